"""The embedded AWS as a process: what is deployed into it acts as it would on AWS."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import EmbeddedAws
from localaws.control import ControlError
from tests.localaws_stack import DR, PRIMARY, REPLICA, VAULT, replica_template, template

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    """An embedded AWS with the test stack in it."""
    with EmbeddedAws() as started:
        for region, name, body in ((DR, "replica", replica_template()), (PRIMARY, "primary", template())):
            stack = create(started, region, name, body)
            assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(started, region, name)
        yield started


@pytest.fixture(autouse=True)
def at_rest(aws: EmbeddedAws) -> Iterator[None]:
    """Each test begins and ends with replication running, all regions on, nothing going on, queues empty."""
    yield
    aws.control.switch_off([])
    aws.control.replication("run")
    aws.control.settle()
    for queue in ("dlq", "hears"):
        messages(aws, queue)


def create(aws: EmbeddedAws, region: str, name: str, body: str) -> dict[str, Any]:
    """Create a stack and return its description, whatever became of it."""
    cloudformation = aws.client("cloudformation", region)
    cloudformation.create_stack(StackName=name, TemplateBody=body)
    description: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return description


def reasons(aws: EmbeddedAws, region: str, name: str) -> str:
    """Return the reasons that a stack's events give."""
    events = aws.client("cloudformation", region).describe_stack_events(StackName=name)["StackEvents"]
    return " ".join(event.get("ResourceStatusReason", "") for event in events)


def invoke(aws: EmbeddedAws, event: dict[str, Any], function: str = "worker") -> tuple[str | None, Any]:
    """Invoke a function and return its function error and its answer."""
    answer = aws.client("lambda", PRIMARY).invoke(FunctionName=function, Payload=json.dumps(event).encode())
    return answer.get("FunctionError"), json.load(answer["Payload"])


def messages(aws: EmbeddedAws, queue: str) -> list[Any]:
    """Take all messages out of a queue."""
    sqs = aws.client("sqs", PRIMARY)
    url, taken = sqs.get_queue_url(QueueName=queue)["QueueUrl"], []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            taken.append(json.loads(message["Body"]))
    return taken


def ran(aws: EmbeddedAws, function: str, action: Callable[[], object]) -> list[Any]:
    """Return the invocations of a function that an action brought about."""
    before = len(aws.control.invocations(function))
    action()
    aws.control.settle()
    return aws.control.invocations(function)[before:]


def states(aws: EmbeddedAws, now: datetime | None = None) -> dict[str, str]:
    """Evaluate the alarms and return their states by name."""
    return {change.name: change.after for change in aws.control.evaluate_alarms(now)}


def test_stacks_are_made_with_their_outputs(aws: EmbeddedAws) -> None:
    """The stack is complete, and its outputs name what was made."""
    stack = aws.client("cloudformation", PRIMARY).describe_stacks(StackName="primary")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}["Function"] == "worker"


def test_an_unknown_resource_type_fails_the_stack(aws: EmbeddedAws) -> None:
    """What moto would skip silently is a failed stack with the reason in its events."""
    body = json.dumps({"Resources": {"Thing": {"Type": "AWS::Unheard::Of", "Properties": {}}}})
    stack = create(aws, PRIMARY, "unknown", body)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "AWS::Unheard::Of" in reasons(aws, PRIMARY, "unknown")


def test_an_unknown_bucket_property_fails_the_stack(aws: EmbeddedAws) -> None:
    """A bucket is not made without something that the template asked for."""
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "odd", "AnalyticsConfigurations": []}}
    assert create(aws, PRIMARY, "odd", json.dumps({"Resources": {"B": bucket}}))["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_stack_is_changed_in_place_and_deleted(aws: EmbeddedAws) -> None:
    """A schedule's new expression and an alarm's new threshold arrive; deletion takes both away."""

    def body(hour: int, threshold: int) -> str:
        target = {
            "Arn": f"arn:aws:lambda:{DR}:123456789012:function:none",
            "RoleArn": "arn:aws:iam::123456789012:role/r",
        }
        schedule = {
            "Name": "changing",
            "ScheduleExpression": f"cron(0 {hour} * * ? *)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
        }
        alarm = {
            "AlarmName": "changing",
            "Namespace": "N",
            "MetricName": "M",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": threshold,
            "Statistic": "Sum",
            "ComparisonOperator": "GreaterThanThreshold",
        }
        resources = {
            "S": {"Type": "AWS::Scheduler::Schedule", "Properties": schedule},
            "A": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
        }
        return json.dumps({"Resources": resources})

    cloudformation = aws.client("cloudformation", DR)
    create(aws, DR, "changing", body(1, 1))
    cloudformation.update_stack(StackName="changing", TemplateBody=body(2, 9))
    assert cloudformation.describe_stacks(StackName="changing")["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
    (schedule,) = aws.control.schedules(DR)
    assert schedule["ScheduleExpression"] == "cron(0 2 * * ? *)"
    alarms = aws.client("cloudwatch", DR).describe_alarms(AlarmNames=["changing"])["MetricAlarms"]
    assert [alarm["Threshold"] for alarm in alarms] == [9]
    cloudformation.delete_stack(StackName="changing")
    assert aws.control.schedules(DR) == []
    assert aws.client("cloudwatch", DR).describe_alarms(AlarmNames=["changing"])["MetricAlarms"] == []


def test_a_function_runs_with_its_file_system_as_a_directory(aws: EmbeddedAws) -> None:
    """The mount path in the deployed variables leads to the directory that the control API tells."""
    error, answer = invoke(aws, {"a": 1})
    assert error is None
    mount = aws.control.file_system("worker", region=PRIMARY)["/mnt/source"]
    assert mount.is_dir()
    assert answer == {"event": {"a": 1}, "source": str(mount / "data/app.db")}


def test_an_error_reaches_the_caller(aws: EmbeddedAws) -> None:
    """Synchronous invocations are not retried; the error comes back."""
    error, answer = invoke(aws, {"fail": "broken"})
    assert (error, answer["errorType"], answer["errorMessage"]) == ("Unhandled", "ValueError", "broken")


def test_logs_and_service_metrics_are_kept(aws: EmbeddedAws) -> None:
    """The log group has the invocation's lines, and AWS/Lambda counts it."""
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
    """With one container reserved, one of two calls at the same time is refused, while events wait their turn."""

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
    """Firing goes by the deployed schedule's input."""
    at = datetime(2026, 1, 31, 2, 5, tzinfo=UTC)
    (run,) = ran(aws, "worker", lambda: aws.control.fire("hourly", region=PRIMARY, at=at))
    assert run.event == {"tier": "hourly", "scheduled_time": "2026-01-31T02:05:00Z"}
    assert (run.trigger, run.function_error) == ("schedule", None)


def test_a_schedule_without_its_target_leaves_a_dead_letter(aws: EmbeddedAws) -> None:
    """Delivery failures are what Scheduler's own queue is for."""
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
    """The message tells which there are."""
    with pytest.raises(ControlError, match="Hourly"):
        aws.control.fire("yearly", region=PRIMARY)


def test_a_failing_event_is_retried_and_then_sent_to_its_destination(aws: EmbeddedAws) -> None:
    """One retry, as deployed, and a record with the request, the error and the count."""
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


def test_an_upload_to_the_inbox_invokes_the_rules_target(aws: EmbeddedAws) -> None:
    """The event is shaped as S3 sends it, and names the version that was written."""
    s3 = aws.client("s3", PRIMARY)
    versions = []
    runs = ran(
        aws,
        "worker",
        lambda: versions.append(s3.put_object(Bucket=VAULT, Key="inbox/app db.db", Body=b"12345")["VersionId"]),
    )
    (run,) = runs
    assert (run.event["source"], run.event["detail-type"], run.event["region"]) == ("aws.s3", "Object Created", PRIMARY)
    detail = run.event["detail"]
    assert detail["bucket"] == {"name": VAULT}
    assert detail["reason"] == "PutObject"
    written = detail["object"]
    assert (written["key"], written["size"], written["version-id"]) == ("inbox/app db.db", 5, versions[0])
    assert written["etag"] == "827ccb0eea8a706c4c34a16891f84e7b"


def test_a_multipart_upload_is_one_event(aws: EmbeddedAws) -> None:
    """Completing the upload is what counts."""
    s3 = aws.client("s3", PRIMARY)

    def upload() -> None:
        key = {"Bucket": VAULT, "Key": "inbox/large.db"}
        upload_id = s3.create_multipart_upload(**key)["UploadId"]
        part = s3.upload_part(**key, UploadId=upload_id, PartNumber=1, Body=b"part")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        s3.complete_multipart_upload(**key, UploadId=upload_id, MultipartUpload=parts)

    (run,) = ran(aws, "worker", upload)
    assert run.event["detail"]["reason"] == "CompleteMultipartUpload"


def test_an_object_elsewhere_invokes_nothing(aws: EmbeddedAws) -> None:
    """The rule's pattern decides."""
    s3 = aws.client("s3", PRIMARY)
    assert ran(aws, "worker", lambda: s3.put_object(Bucket=VAULT, Key="outbox/x", Body=b"x")) == []


def test_an_object_is_replicated_with_all_that_belongs_to_it(aws: EmbeddedAws) -> None:
    """Version id, content, metadata and checksum are the same in the DR region; the states are S3's."""
    here, there = aws.client("s3", PRIMARY), aws.client("s3", DR)
    aws.control.replication("hold")
    key = "backups/one"
    version = here.put_object(
        Bucket=VAULT, Key=key, Body=b"content", Metadata={"tier": "daily"}, ChecksumAlgorithm="SHA256"
    )["VersionId"]
    assert here.head_object(Bucket=VAULT, Key=key)["ReplicationStatus"] == "PENDING"
    assert aws.control.replication().waiting == (f"{VAULT}/{key}",)
    with pytest.raises(ClientError):
        there.head_object(Bucket=REPLICA, Key=key)
    aws.control.replication("run")
    aws.control.settle()
    assert here.head_object(Bucket=VAULT, Key=key)["ReplicationStatus"] == "COMPLETED"
    copy = there.get_object(Bucket=REPLICA, Key=key, ChecksumMode="ENABLED")
    assert (copy["ReplicationStatus"], copy["VersionId"]) == ("REPLICA", version)
    assert (copy["Body"].read(), copy["Metadata"]) == (b"content", {"tier": "daily"})
    original = here.get_object(Bucket=VAULT, Key=key, ChecksumMode="ENABLED")
    assert copy["ChecksumSHA256"] == original["ChecksumSHA256"]


def test_an_object_outside_the_rule_is_not_replicated(aws: EmbeddedAws) -> None:
    """The inbox stays where it is."""
    s3 = aws.client("s3", PRIMARY)
    s3.put_object(Bucket=VAULT, Key="outbox/x", Body=b"x")
    aws.control.settle()
    assert "ReplicationStatus" not in s3.head_object(Bucket=VAULT, Key="outbox/x")
    with pytest.raises(ClientError):
        aws.client("s3", DR).head_object(Bucket=REPLICA, Key="outbox/x")


def test_replication_can_be_made_to_fail(aws: EmbeddedAws) -> None:
    """The object says FAILED, as S3 lets one see it."""
    s3 = aws.client("s3", PRIMARY)
    aws.control.replication("fail")
    s3.put_object(Bucket=VAULT, Key="backups/lost", Body=b"x")
    aws.control.settle()
    assert s3.head_object(Bucket=VAULT, Key="backups/lost")["ReplicationStatus"] == "FAILED"
    assert f"{VAULT}/backups/lost" in aws.control.replication("run").failed


def test_a_delete_marker_stays_in_the_primary_region(aws: EmbeddedAws) -> None:
    """The rule does not replicate markers: a deletion by mistake does not reach the replica."""
    here, there = aws.client("s3", PRIMARY), aws.client("s3", DR)
    here.put_object(Bucket=VAULT, Key="backups/deleted", Body=b"x")
    aws.control.settle()
    here.delete_object(Bucket=VAULT, Key="backups/deleted")
    aws.control.settle()
    assert there.get_object(Bucket=REPLICA, Key="backups/deleted")["Body"].read() == b"x"


def test_alarms_fire_and_clear_by_metrics_out_of_logs(aws: EmbeddedAws) -> None:
    """Silence is breaching, a fresh value clears, an old value fires again; SNS tells each change."""
    later = datetime.now(UTC) + timedelta(days=1)
    assert states(aws, later)["too-old"] == "ALARM"
    invoke(aws, {"metric": 30})
    assert states(aws)["too-old"] == "OK"
    invoke(aws, {"metric": 4000})
    assert states(aws)["too-old"] == "ALARM"
    told = [json.loads(message["Message"]) for message in messages(aws, "hears")]
    changes = [(one["OldStateValue"], one["NewStateValue"]) for one in told if one["AlarmName"] == "too-old"]
    assert changes[-2:] == [("ALARM", "OK"), ("OK", "ALARM")]


def test_errors_and_dead_letters_fire_their_alarms_and_the_composite_one(aws: EmbeddedAws) -> None:
    """A failed event shows in both metrics that AWS itself would publish."""
    event = b'{"fail": "x"}'
    aws.client("lambda", PRIMARY).invoke(FunctionName="worker", InvocationType="Event", Payload=event)
    aws.control.settle()
    seen = states(aws)
    assert (seen["errors"], seen["dead-letters"], seen["unhealthy"]) == ("ALARM", "ALARM", "ALARM")
    messages(aws, "dlq")
    assert states(aws, datetime.now(UTC) + timedelta(days=2))["dead-letters"] == "OK"


def test_a_function_in_the_vpc_reaches_s3_of_its_region_alone(aws: EmbeddedAws) -> None:
    """What would hang on AWS is refused here, with the reason."""
    assert invoke(aws, {"call": ["s3", PRIMARY], "bucket": VAULT}, "isolated")[0] is None
    error, answer = invoke(aws, {"call": ["s3", DR], "bucket": REPLICA}, "isolated")
    assert error == "Unhandled"
    assert "gateway endpoint does not lead there" in answer["errorMessage"]
    error, answer = invoke(aws, {"call": ["sts", PRIMARY]}, "isolated")
    assert error == "Unhandled"
    assert invoke(aws, {"call": ["s3", DR], "bucket": REPLICA})[0] is None


def test_a_region_can_be_switched_off(aws: EmbeddedAws) -> None:
    """Requests to it fail, to the other region they do not, and back on everything is still there."""
    aws.control.switch_off([PRIMARY])
    with pytest.raises(ClientError, match="switched off"):
        aws.client("lambda", PRIMARY).list_functions()
    with pytest.raises(ClientError, match="switched off"):
        aws.client("s3", PRIMARY).list_objects_v2(Bucket=VAULT)
    aws.client("s3", DR).list_objects_v2(Bucket=REPLICA)
    aws.control.switch_off([])
    aws.client("s3", PRIMARY).list_objects_v2(Bucket=VAULT)


def test_nothing_went_wrong_behind_the_scenes(aws: EmbeddedAws) -> None:
    """Background work that fails is kept and told; after all of the above there was none."""
    assert aws.control.failures() == []


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_one_that_started_it(tmp_path: Path, sign: signal.Signals) -> None:
    """Killed in any way, the starter takes the server and the functions' processes along."""
    program = (
        "import sys, time; from pathlib import Path; from localaws import EmbeddedAws\n"
        "from tests.localaws_stack import template\n"
        f"with EmbeddedAws(Path({str(tmp_path)!r})) as aws:\n"
        "    aws.client('cloudformation', 'us-east-1').create_stack(StackName='s', TemplateBody=template())\n"
        "    aws.client('lambda', 'us-east-1').invoke(FunctionName='worker', Payload=b'{}')\n"
        "    print(aws.pid, flush=True); time.sleep(600)\n"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        group = int(starter.stdout.readline())
        assert alive(group)
        starter.send_signal(sign)
        starter.wait()
    until = time.monotonic() + 20
    while alive(group) and time.monotonic() < until:
        time.sleep(0.1)
    assert not alive(group)


def alive(group: int) -> bool:
    """Tell whether a process group has any process left (the server's holds the functions' too)."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
