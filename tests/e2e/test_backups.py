"""From a deployed schedule or an upload to a drilled, replicated backup."""

import json
import tarfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from localaws.demo.world import PRIMARY, RECOVERY, World, metrics
from localaws.deployed import assert_deployed
from localaws.sample import LedgerWriter
from tests.e2e.moments import fresh_moment
from tests.trees import tree

SETTLE = 120.0


def fire(world: World, schedule: str, at: datetime) -> None:
    """Fire a deployed schedule and wait until everything it triggers is done."""
    world.aws.control.fire(schedule, region=PRIMARY, at=at)
    world.aws.control.settle(SETTLE)


def test_every_resource_of_the_templates_exists(world: World) -> None:
    """Each service returns the resources that CloudFormation reports as created."""
    assert assert_deployed(world.deployment, world.aws.client) > 50


def test_the_hourly_schedule_makes_a_proven_replicated_backup_of_a_live_database(quiet: World) -> None:
    """An hourly backup of a live database is drilled automatically, and the replica has the same versions."""
    with LedgerWriter(quiet.database) as writer:
        fire(quiet, "hourly", fresh_moment())
        activity = writer.stop()
    ran, drilled = quiet.last("backup"), quiet.last("drill")
    assert activity.commits > 10
    assert ran.function_error is None, ran.log
    assert ran.response["manifest"]["tier"] == "hourly"
    assert metrics(ran)["BackupSucceeded"] == 1
    assert drilled.trigger == "event"
    assert drilled.response["backup_id"] == ran.response["backup_id"]
    assert drilled.response["passed"]
    key = f"backups/{ran.response['archive']}"
    here, there = quiet.versions(quiet.vault, PRIMARY), quiet.versions(quiet.replica, RECOVERY)
    assert {key, f"{key}.manifest.json"} <= set(here)
    assert here == there
    assert quiet.s3().head_object(Bucket=quiet.vault, Key=key)["ReplicationStatus"] in ("COMPLETED", "COMPLETE")


def test_the_same_scheduled_event_three_times_makes_one_backup(quiet: World) -> None:
    """Repeated and simultaneous deliveries of one scheduled event make one manifest."""
    at = fresh_moment()
    before = quiet.versions(quiet.vault, PRIMARY)
    for _ in range(3):
        quiet.aws.control.fire("hourly", region=PRIMARY, at=at)
    quiet.aws.control.settle(SETTLE)
    reports = [ran.response for ran in quiet.aws.control.invocations(quiet.function("backup"))[-3:]]
    new = [key for key in quiet.versions(quiet.vault, PRIMARY) if key not in before and key.endswith(".manifest.json")]
    assert len({report["backup_id"] for report in reports}) == 1
    assert sum(report["created"] for report in reports) == 1
    assert len(new) == 1


def test_the_daily_backup_contains_the_configuration_without_secrets(quiet: World, tmp_path: Path) -> None:
    """The archive has the names of the variables in `.env`; neither archive nor log has their values."""
    fire(quiet, "daily", fresh_moment())
    ran = quiet.last("backup")
    local = tmp_path / "archive.tar.gz"
    quiet.s3().download_file(quiet.vault, f"backups/{ran.response['archive']}", str(local))
    with tarfile.open(local) as archive:
        names = {member.name.partition("/")[2] for member in archive}
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert {"config/docker-compose.yml", "config/env_structure.txt", "devops_hub.db", "devops_hub.sql"} <= names
    secret = b"not-for-any-archive"
    assert not [path for path in (tmp_path / "unpacked").rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert secret.decode() not in ran.log + json.dumps(ran.response)


def test_a_backup_leaves_the_file_system_as_it_is(quiet: World) -> None:
    """A backup only reads its source: no file there appears, changes or disappears."""
    root = quiet.database.parent.parent
    before = tree(root)
    fire(quiet, "hourly", fresh_moment())
    assert quiet.last("backup").function_error is None
    assert tree(root) == before


def test_an_uploaded_snapshot_is_backed_up_and_drilled(quiet: World) -> None:
    """An uploaded snapshot becomes a backup whose manifest names the upload, and is drilled like any other."""
    quiet.s3().put_object(
        Bucket=quiet.vault, Key="inbox/devops_hub.db", Body=quiet.database.read_bytes(), ChecksumAlgorithm="SHA256"
    )
    quiet.aws.control.settle(SETTLE)
    report = quiet.last("ingest").response
    assert report["manifest"]["source"]["path"] == f"s3://{quiet.vault}/inbox/devops_hub.db"
    assert quiet.last("drill").response["backup_id"] == report["backup_id"]


def test_a_damaged_upload_makes_no_backup(quiet: World) -> None:
    """A damaged upload fails with the reason, and after its retries the event is in the dead-letter queue."""
    before = quiet.versions(quiet.vault, PRIMARY)
    time.sleep(1)  # a backup's name has whole seconds
    quiet.s3().put_object(
        Bucket=quiet.vault, Key="inbox/devops_hub.db", Body=b"no database" * 500, ChecksumAlgorithm="SHA256"
    )
    quiet.aws.control.settle(SETTLE)
    ran = quiet.last("ingest")
    assert ran.response["errorType"] == "SourceCorrupt"
    assert metrics(ran) == {"BackupFailed": 1}
    assert quiet.versions(quiet.vault, PRIMARY) == before
    assert "inbox/devops_hub.db" in _dead_letters(quiet)


def test_an_event_with_an_unknown_tier_is_refused(quiet: World) -> None:
    """An event with an unknown tier and field is refused with their names, and nothing is written."""
    before = quiet.versions(quiet.vault, PRIMARY)
    answer = quiet.invoke("backup", {"tier": "yearly", "colour": "red"})
    assert answer.report["errorType"] == "ConfigError"
    assert "tier" in answer.report["errorMessage"]
    assert "colour" in answer.report["errorMessage"]
    assert quiet.versions(quiet.vault, PRIMARY) == before


def test_a_late_delivery_keeps_its_scheduled_time(quiet: World) -> None:
    """A backup that is delivered late is named by its scheduled time, not by the time of the run."""
    at = (datetime.now(UTC) - timedelta(minutes=17)).replace(microsecond=0)
    fire(quiet, "hourly", at)
    assert quiet.last("backup").response["backup_id"] == f"devops_hub_backup_{at:%Y%m%d_%H%M%S}"


def _dead_letters(world: World) -> str:
    stack = next(one for one in world.deployment.stacks if one.region == PRIMARY)
    queues = world.aws.client("sqs", PRIMARY)
    bodies = [
        message["Body"]
        for url in stack.of_type("AWS::SQS::Queue")
        for message in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get(
            "Messages", []
        )
    ]
    return "\n".join(bodies)
