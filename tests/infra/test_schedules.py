"""Schedules, triggers, and the queues for failed deliveries."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from sqlitevault.catalog.names import drill_report_name
from sqlitevault.functions.events import BackupEvent, DrillEvent
from sqlitevault.ground.facts import MONITOR_REPORT
from tests.synthesis import Deployment, Properties, Synthesised, text

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
PRIMARY: dict[str, tuple[str, str, dict[str, str]]] = {
    "hourly": ("cron(5 * * * ? *)", "backup", {"tier": "hourly", "scope": "database"}),
    "daily": ("cron(0 2 * * ? *)", "backup", {"tier": "daily", "scope": "all"}),
    "weekly": ("cron(0 3 ? * SUN *)", "backup", {"tier": "weekly", "scope": "all"}),
    "monthly": ("cron(0 4 1 * ? *)", "backup", {"tier": "monthly", "scope": "all"}),
    "monitor": ("rate(15 minutes)", "monitor", {}),
}


def schedules(stack: Synthesised) -> dict[str, Properties]:
    """Return a stack's schedules by the last word of their name."""
    return {text(made["Name"]).rpartition("-")[2]: made for made in stack.all("AWS::Scheduler::Schedule").values()}


@pytest.mark.parametrize("name", list(PRIMARY))
def test_a_schedule_has_its_time_target_and_input(primary: Synthesised, name: str) -> None:
    """A schedule has its expression in UTC, its function and its input; a backup's input has the scheduled time."""
    expression, verb, said = PRIMARY[name]
    made = schedules(primary)[name]
    assert (made["ScheduleExpression"], made["State"]) == (expression, "ENABLED")
    assert made["FlexibleTimeWindow"] == {"Mode": "OFF"}
    if expression.startswith("cron"):
        assert made["ScheduleExpressionTimezone"] == "Etc/UTC"
    assert text(made["Target"]["Arn"]) == f"<{primary.function_id(verb)}.Arn>"
    expected = {**said, "scheduled_time": SCHEDULED_TIME} if verb == "backup" else said
    assert json.loads(made["Target"]["Input"]) == expected


def test_there_are_no_other_schedules(primary: Synthesised, recovery: Synthesised) -> None:
    """The stacks have no other schedules than these."""
    assert set(schedules(primary)) == set(PRIMARY)
    assert set(schedules(recovery)) == {"drill"}


@pytest.mark.parametrize("name", [name for name, (_, verb, _) in PRIMARY.items() if verb == "backup"])
def test_the_function_accepts_the_schedules_input(primary: Synthesised, name: str) -> None:
    """The backup function accepts a schedule's input after Scheduler has filled in the time."""
    order = schedules(primary)[name]["Target"]["Input"].replace(SCHEDULED_TIME, "2026-01-31T02:00:00Z")
    assert BackupEvent.parse(json.loads(order)).tier == name


def test_the_recovery_region_drills_from_the_replica_each_month(recovery: Synthesised) -> None:
    """The drill from the replica runs on the first of each month, after the monthly backup."""
    made = schedules(recovery)["drill"]
    assert made["ScheduleExpression"] == "cron(0 5 1 * ? *)"
    assert text(made["Target"]["Arn"]) == f"<{recovery.function_id('drill')}.Arn>"
    assert DrillEvent.parse(json.loads(made["Target"]["Input"])).backup == "latest"


@pytest.mark.parametrize("stack", ["primary", "recovery"])
def test_failed_deliveries_are_retried_and_kept(stack: str, deployment: Deployment) -> None:
    """A failed delivery is retried three times within twenty minutes, then goes to the dead-letter queue."""
    made: Synthesised = getattr(deployment, stack)
    for schedule in schedules(made).values():
        target = schedule["Target"]
        assert target["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 1200}
        queue = text(target["DeadLetterConfig"]["Arn"])
        statements = made.statements(target["RoleArn"]["Fn::GetAtt"][0])
        allowed = {text(s["Resource"]) for s in statements if s["Action"] == "sqs:SendMessage"}
        assert allowed == {queue}
        invoked = next(s for s in statements if s["Action"] == "lambda:InvokeFunction")["Resource"]
        assert text(target["Arn"]) in {text(one) for one in invoked}


@pytest.mark.parametrize(
    ("verb", "key"),
    [
        pytest.param("ingest", {"prefix": "inbox/"}, id="uploads"),
        pytest.param("drill", {"wildcard": "backups/*.manifest.json"}, id="manifests"),
    ],
)
def test_new_objects_invoke_their_function(primary: Synthesised, verb: str, key: dict[str, str]) -> None:
    """Only new objects of this bucket with such a key invoke the function; undeliverable events are kept."""
    rule, made = _rule_of(primary, verb)
    assert (made["EventPattern"]["source"], made["EventPattern"]["detail-type"]) == (["aws.s3"], ["Object Created"])
    detail = made["EventPattern"]["detail"]
    assert text(detail["bucket"]["name"][0]) == text(primary.bucket()[1]["BucketName"])
    assert detail["object"] == {"key": [key]}
    (target,) = made["Targets"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600}
    queue = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    policy = next(p for p in primary.all("AWS::SQS::QueuePolicy").values() if p["Queues"] == [{"Ref": queue}])
    senders = [
        text(s["Condition"]["ArnEquals"]["aws:SourceArn"])
        for s in policy["PolicyDocument"]["Statement"]
        if s["Effect"] == "Allow"
    ]
    assert f"<{rule}.Arn>" in senders
    permitted = {text(p["SourceArn"]) for p in primary.all("AWS::Lambda::Permission").values()}
    assert f"<{rule}.Arn>" in permitted


def test_no_function_invokes_itself(primary: Synthesised) -> None:
    """Reports of drill and monitor do not start a drill."""
    _, made = _rule_of(primary, "drill")
    (key,) = made["EventPattern"]["detail"]["object"]["key"]
    backup_id = "devops_hub_backup_20260131_020000"
    for name in (drill_report_name(backup_id), drill_report_name(backup_id, from_replica=True), MONITOR_REPORT):
        assert not fnmatchcase(f"backups/{name}", key["wildcard"])
    assert fnmatchcase("backups/daily/devops_hub/x.tar.gz.manifest.json", key["wildcard"])


def test_queues_require_tls(deployment: Deployment) -> None:
    """Every queue denies requests without TLS."""
    for stack in (deployment.primary, deployment.recovery):
        denied = {
            text(policy["Queues"][0])
            for policy in stack.all("AWS::SQS::QueuePolicy").values()
            for s in policy["PolicyDocument"]["Statement"]
            if s["Effect"] == "Deny" and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        }
        assert denied == {f"<{name}>" for name in stack.all("AWS::SQS::Queue")}
        assert len(denied) == 2


def test_several_backups_an_hour(on_existing: Deployment) -> None:
    """The setting `hourly_minutes` takes several minutes of the hour."""
    assert schedules(on_existing.primary)["hourly"]["ScheduleExpression"] == "cron(5,35 * * * ? *)"


def _rule_of(stack: Synthesised, verb: str) -> tuple[str, dict[str, Any]]:
    arn = f"<{stack.function_id(verb)}.Arn>"
    return next((n, r) for n, r in stack.all("AWS::Events::Rule").items() if text(r["Targets"][0]["Arn"]) == arn)
