"""Objects, replication, alarms and network of the embedded AWS."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from localaws import EmbeddedAws
from tests.integration.localaws.asking import invoke, messages, ran, states
from tests.localaws_stack import DR, PRIMARY, REPLICA, VAULT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localaws"), pytest.mark.usefixtures("at_rest")]


def test_an_upload_to_the_inbox_invokes_the_rules_target(aws: EmbeddedAws) -> None:
    """An upload to the inbox invokes the rule's target with S3's event, which names the new version."""
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
    """A multipart upload causes one event, when it is completed."""
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
    """An object outside the rule's pattern invokes nothing."""
    s3 = aws.client("s3", PRIMARY)
    assert ran(aws, "worker", lambda: s3.put_object(Bucket=VAULT, Key="outbox/x", Body=b"x")) == []


def test_an_object_is_replicated_with_its_metadata(aws: EmbeddedAws) -> None:
    """The replica has the same version id, content, metadata and checksum; both show S3's replication status."""
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
    """An object in the inbox, outside the rule's prefix, is not copied."""
    s3 = aws.client("s3", PRIMARY)
    s3.put_object(Bucket=VAULT, Key="outbox/x", Body=b"x")
    aws.control.settle()
    assert "ReplicationStatus" not in s3.head_object(Bucket=VAULT, Key="outbox/x")
    with pytest.raises(ClientError):
        aws.client("s3", DR).head_object(Bucket=REPLICA, Key="outbox/x")


def test_replication_can_be_made_to_fail(aws: EmbeddedAws) -> None:
    """If replication is set to fail, the object's status is FAILED."""
    s3 = aws.client("s3", PRIMARY)
    aws.control.replication("fail")
    s3.put_object(Bucket=VAULT, Key="backups/lost", Body=b"x")
    aws.control.settle()
    assert s3.head_object(Bucket=VAULT, Key="backups/lost")["ReplicationStatus"] == "FAILED"
    assert f"{VAULT}/backups/lost" in aws.control.replication("run").failed


def test_a_delete_marker_stays_in_the_primary_region(aws: EmbeddedAws) -> None:
    """A delete marker is not replicated, so an accidental deletion does not reach the replica."""
    here, there = aws.client("s3", PRIMARY), aws.client("s3", DR)
    here.put_object(Bucket=VAULT, Key="backups/deleted", Body=b"x")
    aws.control.settle()
    here.delete_object(Bucket=VAULT, Key="backups/deleted")
    aws.control.settle()
    assert there.get_object(Bucket=REPLICA, Key="backups/deleted")["Body"].read() == b"x"


def test_metrics_from_logs_fire_and_clear_alarms(aws: EmbeddedAws) -> None:
    """Missing data fires the alarm, a fresh value clears it, an old one fires it again; SNS publishes each change."""
    later = datetime.now(UTC) + timedelta(days=1)
    assert states(aws, later)["too-old"] == "ALARM"
    invoke(aws, {"metric": 30})
    assert states(aws)["too-old"] == "OK"
    invoke(aws, {"metric": 4000})
    assert states(aws)["too-old"] == "ALARM"
    published = [json.loads(message["Message"]) for message in messages(aws, "alarms")]
    changes = [(one["OldStateValue"], one["NewStateValue"]) for one in published if one["AlarmName"] == "too-old"]
    assert changes[-2:] == [("ALARM", "OK"), ("OK", "ALARM")]


def test_errors_and_dead_letters_fire_their_alarms_and_the_composite_one(aws: EmbeddedAws) -> None:
    """A failed event fires the alarms on errors and on dead letters, and their composite alarm."""
    event = b'{"fail": "x"}'
    aws.client("lambda", PRIMARY).invoke(FunctionName="worker", InvocationType="Event", Payload=event)
    aws.control.settle()
    seen = states(aws)
    assert (seen["errors"], seen["dead-letters"], seen["unhealthy"]) == ("ALARM", "ALARM", "ALARM")
    messages(aws, "dlq")
    assert states(aws, datetime.now(UTC) + timedelta(days=2))["dead-letters"] == "OK"


def test_a_function_in_the_vpc_reaches_only_s3_of_its_region(aws: EmbeddedAws) -> None:
    """Calls that would hang on AWS are refused with the reason."""
    assert invoke(aws, {"call": ["s3", PRIMARY], "bucket": VAULT}, "isolated")[0] is None
    error, answer = invoke(aws, {"call": ["s3", DR], "bucket": REPLICA}, "isolated")
    assert error == "Unhandled"
    assert "gateway endpoint does not lead there" in answer["errorMessage"]
    error, answer = invoke(aws, {"call": ["sts", PRIMARY]}, "isolated")
    assert error == "Unhandled"
    assert invoke(aws, {"call": ["s3", DR], "bucket": REPLICA})[0] is None


def test_a_region_can_be_switched_off(aws: EmbeddedAws) -> None:
    """Requests to a region that is off fail, those to the other region do not; later everything still exists."""
    aws.control.switch_off([PRIMARY])
    with pytest.raises(ClientError, match="switched off"):
        aws.client("lambda", PRIMARY).list_functions()
    with pytest.raises(ClientError, match="switched off"):
        aws.client("s3", PRIMARY).list_objects_v2(Bucket=VAULT)
    aws.client("s3", DR).list_objects_v2(Bucket=REPLICA)
    aws.control.switch_off([])
    aws.client("s3", PRIMARY).list_objects_v2(Bucket=VAULT)


def test_background_work_did_not_fail(aws: EmbeddedAws) -> None:
    """After the tests above, the embedded AWS lists no failed background work."""
    assert aws.control.failures() == []
