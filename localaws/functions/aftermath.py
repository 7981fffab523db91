"""Records of an invocation: CloudWatch logs, metrics of the service, metrics in the logs (EMF)."""

import time
from datetime import UTC, datetime
from typing import Any

from moto.logs.models import logs_backends

from localaws.clients import ACCOUNT
from localaws.emf import parse_lines
from localaws.functions.container import Result
from localaws.functions.facts import FunctionFacts
from localaws.metrics import Datum, put


def record(facts: FunctionFacts, result: Result) -> None:
    """Keep the log and the metrics of one invocation in CloudWatch."""
    _keep_log(facts, result)
    put(facts.region, _service_metrics(facts, result))
    put(facts.region, parse_lines(result.log.splitlines()))


def record_throttle(facts: FunctionFacts) -> None:
    """Count an invocation that was refused because all containers were busy."""
    put(facts.region, [_datum(facts, "Throttles", 1, "Count")])


def _keep_log(facts: FunctionFacts, result: Result) -> None:
    """One stream per invocation: moto does not know containers."""
    logs: Any = logs_backends[ACCOUNT][facts.region]
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{result.request_id.replace('-', '')}"
    logs.ensure_log_group(facts.log_group)
    logs.create_log_stream(facts.log_group, stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": line} for line in result.log.splitlines() if line.strip()]
    logs.put_log_events(facts.log_group, stream, events)


def _service_metrics(facts: FunctionFacts, result: Result) -> list[Datum]:
    """AWS/Lambda's own: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html."""
    failed = 0 if result.function_error is None else 1
    return [
        _datum(facts, "Invocations", 1, "Count"),
        _datum(facts, "Errors", failed, "Count"),
        _datum(facts, "Throttles", 0, "Count"),
        _datum(facts, "Duration", result.seconds * 1000, "Milliseconds"),
    ]


def _datum(facts: FunctionFacts, name: str, value: float, unit: str) -> Datum:
    return Datum("AWS/Lambda", name, {"FunctionName": facts.name}, (value,), unit, datetime.now(UTC))
