"""Functions and schedules in the embedded AWS."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from localaws import EmbeddedAws
from localaws.control import ControlError
from tests.integration.localaws.asking import invoke, messages, ran
from tests.localaws_stack import PRIMARY

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localaws"), pytest.mark.usefixtures("at_rest")]


def test_a_function_runs_with_its_file_system_as_a_directory(aws: EmbeddedAws) -> None:
    """The mount path in the deployed variables leads to the directory that the control API names."""
    error, answer = invoke(aws, {"a": 1})
    assert error is None
    mount = aws.control.file_system("worker", region=PRIMARY)["/mnt/source"]
    assert mount.is_dir()
    assert answer == {"event": {"a": 1}, "source": str(mount / "data/app.db")}


def test_an_error_reaches_the_caller(aws: EmbeddedAws) -> None:
    """A synchronous invocation is not retried, and returns the error."""
    error, answer = invoke(aws, {"fail": "broken"})
    assert (error, answer["errorType"], answer["errorMessage"]) == ("Unhandled", "ValueError", "broken")


def test_logs_and_service_metrics_are_kept(aws: EmbeddedAws) -> None:
    """An invocation's lines are in its log group, and the metrics of AWS/Lambda count it."""
    invoke(aws, {})
    events = aws.client("logs", PRIMARY).filter_log_events(logGroupName="/aws/lambda/worker")["events"]
    assert any(event["message"].startswith("REPORT RequestId") for event in events)
    found = aws.client("cloudwatch", PRIMARY).get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Invocations",
        Dimensions=[{"Name": "FunctionName", "Value": "worker"}],
        StartTime=datetime.now(UTC) - timedelta(hours=1),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=7200,
        Statistics=["Sum"],
    )["Datapoints"]
    assert found[0]["Sum"] >= 1


def test_a_busy_function_is_throttled(aws: EmbeddedAws) -> None:
    """With one container reserved, one of two simultaneous calls is refused, while events wait."""

    def call(_: int) -> str:
        try:
            invoke(aws, {"sleep": 4}, "single")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "ran"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(call, range(2))) == ["TooManyRequestsException", "ran"]
    for number in (1, 2):
        event = json.dumps({"sleep": 1, "number": number}).encode()
        aws.client("lambda", PRIMARY).invoke(FunctionName="single", InvocationType="Event", Payload=event)
    aws.control.settle()
    assert {run.event["number"] for run in aws.control.invocations("single")[-2:]} == {1, 2}


def test_a_schedule_invokes_its_target_with_the_time_filled_in(aws: EmbeddedAws) -> None:
    """A fired schedule invokes its target with the deployed input and the time filled in."""
    at = datetime(2026, 1, 31, 2, 5, tzinfo=UTC)
    (run,) = ran(aws, "worker", lambda: aws.control.fire("hourly", region=PRIMARY, at=at))
    assert run.event == {"tier": "hourly", "scheduled_time": "2026-01-31T02:05:00Z"}
    assert (run.trigger, run.function_error) == ("schedule", None)


def test_a_schedule_without_its_target_leaves_a_dead_letter(aws: EmbeddedAws) -> None:
    """If the target is missing, the event goes to the schedule's dead-letter queue."""
    scheduler = aws.client("scheduler", PRIMARY)
    queue = f"arn:aws:sqs:{PRIMARY}:123456789012:dlq"
    target = {
        "Arn": f"arn:aws:lambda:{PRIMARY}:123456789012:function:gone",
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "Input": "{}",
        "DeadLetterConfig": {"Arn": queue},
    }
    window = {"Mode": "OFF"}
    scheduler.create_schedule(Name="lost", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=window, Target=target)
    assert not aws.control.fire("lost", region=PRIMARY).delivered
    assert messages(aws, "dlq") == [{}]
    scheduler.delete_schedule(Name="lost")


def test_a_schedule_that_does_not_exist_is_an_error(aws: EmbeddedAws) -> None:
    """The error for an unknown schedule lists the existing ones."""
    with pytest.raises(ControlError, match="Hourly"):
        aws.control.fire("yearly", region=PRIMARY)


def test_a_failing_event_is_retried_and_then_sent_to_its_destination(aws: EmbeddedAws) -> None:
    """A failing event is retried once, as deployed, then sent with its request, error and number of attempts."""
    event = json.dumps({"fail": "no disk"}).encode()
    runs = ran(
        aws,
        "worker",
        lambda: aws.client("lambda", PRIMARY).invoke(FunctionName="worker", InvocationType="Event", Payload=event),
    )
    assert [run.attempt for run in runs] == [1, 2]
    (record,) = messages(aws, "dlq")
    assert record["requestPayload"] == {"fail": "no disk"}
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responsePayload"]["errorMessage"] == "no disk"
