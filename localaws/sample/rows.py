"""Believable rows for each table of DevOps Hub."""

import hashlib
import json
import random
import uuid
from datetime import UTC, datetime, timedelta

Row = dict[str, object]

_BEGAN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
_SECONDS_PER_EVENT = 97
_DOMAINS = ("infrastructure", "security", "delivery", "observability", "data", "utility")
_JOBS = ("planner", "deployer", "scanner", "reviewer", "forecaster", "janitor", "auditor", "notifier")
_FLOWS = ("blue-green deploy", "rotate certificates", "scan images", "weekly cost report", "restore test", "on-call")
_EVENT_TYPES = (
    "agent.started",
    "agent.finished",
    "workflow.step.completed",
    "workflow.failed",
    "auth.succeeded",
    "auth.failed",
    "hitl.requested",
    "hitl.fulfilled",
)
_HOSTS = ("build-7", "edge-2", "core-db-1", "runner-arm-4", "gateway")
_NOTES = (
    "rolled out to 10 % of the fleet, waiting for the error budget",
    "image digest pinned, signature verified",
    "certificate renewed, old one revoked",
    "approval asked of the on-call engineer",
    "latency above the objective for three minutes, rolled back",
    "nightly report written, größer als gestern ✓",
)
_AGENTS, _WORKFLOWS, _KEYS, _GUIDES, _EXAMPLES = 48, 18, 7, 24, 36


def catalogue(chance: random.Random) -> dict[str, list[Row]]:
    """Return the rows that people create: agents, workflows, keys, guides, examples."""
    return {
        "agents": [_agent(chance, number) for number in range(_AGENTS)],
        "workflows": [_workflow(chance, number) for number in range(_WORKFLOWS)],
        "api_keys": [_key(chance, number) for number in range(_KEYS)],
        "documentation_guides": [_guide(number) for number in range(_GUIDES)],
        "documentation_examples": [_example(chance, number) for number in range(_EXAMPLES)],
    }


def activity(chance: random.Random, first: int, count: int) -> dict[str, list[Row]]:
    """Return the rows of a running application: `count` events from number `first` on, and related rows."""
    return {
        "events": [_event(chance, number) for number in range(first, first + count)],
        "workflow_executions": [_execution(chance, number) for number in range(first, first + count, 10)],
        "hitl_requests": [_request(chance, number) for number in range(first, first + count, 100)],
    }


def _id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _time(number: int, seconds: int = 0) -> str:
    return (_BEGAN + timedelta(seconds=number * _SECONDS_PER_EVENT + seconds)).isoformat()


def _agent(chance: random.Random, number: int) -> Row:
    domain, job = _DOMAINS[number % len(_DOMAINS)], _JOBS[number % len(_JOBS)]
    return {
        "id": f"{domain}-{job}-{number:02}",
        "name": f"{domain.title()} {job.title()}",
        "domain": domain,
        "description": f"Acts as the {job} for {domain}.",
        "capabilities": json.dumps(chance.sample(_JOBS, 3)),
        "protocols": '["a2a/1.0", "mcp/1.0"]',
        "performance": json.dumps({"success_rate": round(chance.uniform(0.9, 1), 4)}),
        "created_at": _time(number),
        "updated_at": _time(number, 3600),
    }


def _workflow(chance: random.Random, number: int) -> Row:
    steps = [{"agent": f"{domain}-{chance.choice(_JOBS)}", "retry": 2} for domain in chance.sample(_DOMAINS, 4)]
    return {
        "id": f"wf-{number:03}",
        "name": f"{_FLOWS[number % len(_FLOWS)]} {number // len(_FLOWS) + 1}",
        "description": chance.choice(_NOTES),
        "steps": json.dumps(steps),
        "created_at": _time(number),
        "updated_at": _time(number, 7200),
    }


def _key(chance: random.Random, number: int) -> Row:
    return {
        "id": _id(chance),
        "key_hash": hashlib.sha256(str(chance.random()).encode()).hexdigest(),
        "name": f"{_HOSTS[number % len(_HOSTS)]} {number}",
        "scopes": '["read", "write"]' if number % 2 else '["read"]',
        "is_active": int(number % 5 != 0),
        "created_at": _time(number),
        "expires_at": _time(500_000) if number % 3 else None,
    }


def _guide(number: int) -> Row:
    body = "\n\n".join(f"## Step {step}\n\n{_NOTES[(number + step) % len(_NOTES)]}." for step in range(1, 9))
    return {
        "id": f"guide-{number:02}",
        "slug": f"operations-{number:02}",
        "title": f"Operations, part {number + 1}",
        "content": body,
        "order_index": number,
        "parent_id": "guide-00" if number else None,
        "created_at": _time(number),
        "updated_at": _time(number),
    }


def _example(chance: random.Random, number: int) -> Row:
    return {
        "id": f"example-{number:02}",
        "title": f"{_FLOWS[number % len(_FLOWS)]} by hand",
        "workflow_id": f"wf-{number % _WORKFLOWS:03}",
        "code_snippet": f"hub run wf-{number % _WORKFLOWS:03} --host {chance.choice(_HOSTS)}",
        "created_at": _time(number),
        "updated_at": _time(number),
    }


def _event(chance: random.Random, number: int) -> Row:
    data = {"host": chance.choice(_HOSTS), "note": chance.choice(_NOTES), "ms": chance.randrange(5, 90_000)}
    return {
        "id": _id(chance),
        "type": chance.choice(_EVENT_TYPES),
        "source": f"{chance.choice(_DOMAINS)}-{chance.choice(_JOBS)}",
        "data": json.dumps(data, ensure_ascii=False),
        "correlation_id": f"run-{number // 10:07}",
        "metadata": json.dumps({"trace": f"{chance.getrandbits(64):016x}"}),
        "timestamp": _time(number),
    }


def _execution(chance: random.Random, number: int) -> Row:
    workflow = chance.randrange(_WORKFLOWS)
    results = {f"step-{step}": {"ok": True, "output": chance.choice(_NOTES)} for step in range(chance.randrange(1, 6))}
    return {
        "id": f"run-{number // 10:07}",
        "workflow_id": f"wf-{workflow:03}",
        "workflow_name": f"{_FLOWS[workflow % len(_FLOWS)]} {workflow // len(_FLOWS) + 1}",
        "status": chance.choices(("completed", "failed", "running"), (90, 8, 2))[0],
        "current_step": len(results),
        "context": json.dumps({"commit": f"{chance.getrandbits(160):040x}", "actor": chance.choice(_HOSTS)}),
        "results": json.dumps(results, ensure_ascii=False),
        "started_at": _time(number, 1),
        "completed_at": _time(number, 60),
        "created_at": _time(number),
    }


def _request(chance: random.Random, number: int) -> Row:
    return {
        "id": _id(chance),
        "request_type": "approval",
        "title": f"Approve {chance.choice(_FLOWS)}",
        "description": chance.choice(_NOTES),
        "agent_id": f"delivery-{chance.choice(_JOBS)}",
        "workflow_id": f"wf-{chance.randrange(_WORKFLOWS):03}",
        "status": chance.choice(("pending", "fulfilled")),
        "created_at": _time(number),
    }
