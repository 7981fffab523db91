"""Objects, replication, alarms and the network of the embedded AWS act as they would on AWS."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from localaws import EmbeddedAws
from tests.integration.localaws.asking import invoke, messages, ran, states
from tests.localaws_stack import DR, PRIMARY, REPLICA, VAULT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localaws"), pytest.mark.usefixtures("at_rest")]


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
