"""Every alarm is heard when its cause comes and falls silent when it goes. The alarms' evaluation is a simulation."""

import io
import shutil
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from localaws.demo.world import PRIMARY, RECOVERY, STAGE, World
from sqlitevault.catalog.drill_report import Check, DrillReport
from sqlitevault.catalog.names import drill_report_name
from sqlitevault.functions.telemetry import emit_drill
from tests.e2e.moments import fresh_moment
from tests.e2e.watching import (
    change,
    fire,
    forget_backups,
    heard,
    loud,
    loud_after_a_while,
    subscribed_queue,
)

HOURS = timedelta(hours=1)


@pytest.fixture
def watched(quiet: World) -> World:
    """A world with one fresh backup, seen by the monitor, and no alarm."""
    forget_backups(quiet)
    assert loud_after_a_while(quiet) == set()
    return quiet


def test_a_stopped_schedule_is_heard(watched: World) -> None:
    """No backup for longer than the RPO: missing data is bad; the next backup ends the alarm. Both reach the topic."""
    ears = subscribed_queue(watched)
    assert {"NoBackup", "NoProvenBackup", "CouldNotRecoverNow"} <= loud(watched, later=2 * HOURS)
    assert "docs/runbooks/no-backup.md" in heard(watched, ears)
    fire(watched, "hourly")
    fire(watched, "monitor")
    assert loud(watched) & {"NoBackup", "NoProvenBackup", "CouldNotRecoverNow"} == set()
    assert '\\"NewStateValue\\": \\"OK\\"' in heard(watched, ears)


def test_a_newest_backup_beyond_the_rpo_is_heard(quiet: World) -> None:
    """The monitor tells the age; a fresh backup ends the alarm."""
    forget_backups(quiet)
    fire(quiet, "hourly", fresh_moment() - 3 * HOURS)
    fire(quiet, "monitor")
    assert {"NoProvenBackup", "ReplicaBehind", "CouldNotRecoverNow"} <= loud(quiet)
    assert loud_after_a_while(quiet) & {"NoProvenBackup", "ReplicaBehind", "CouldNotRecoverNow"} == set()


def test_a_lost_source_is_heard(watched: World) -> None:
    """The backup fails, so do its retries; the event ends among the dead letters. Mended, all is silent."""
    hidden = watched.database.with_suffix(".hidden")
    watched.database.rename(hidden)
    try:
        fire(watched, "hourly")
    finally:
        hidden.rename(watched.database)
    assert {"BackupFailed", "BackupErrors", "DeadLettersFunctions"} <= loud(watched)
    assert loud_after_a_while(watched) == set()


def test_a_damaged_object_is_heard(watched: World) -> None:
    """The drill fails; the next good one ends the alarm."""
    report = watched.last("backup").response
    key = f"backups/{report['archive']}"
    watched.s3().put_object(Bucket=watched.vault, Key=key, Body=b"damaged", ChecksumAlgorithm="SHA256")
    assert watched.invoke("drill", {"backup": report["backup_id"]}).report["errorType"] == "DrillFailed"
    watched.aws.control.settle()
    assert {"DrillFailed", "DrillErrors"} <= loud(watched)
    assert loud_after_a_while(watched) == set()


def test_a_slow_recovery_is_heard(watched: World) -> None:
    """A drill of eight minutes is more than half the RTO, until the next one, however much time passes.

    Its log line and its report are written here: no drill takes so long.
    """
    slow = DrillReport(
        backup_id=watched.last("backup").response["backup_id"], vault="v", drilled_at=datetime.now(UTC), passed=True,
        recovery_seconds=480.0, rto_seconds=900, steps={}, checks=(Check(name="content", passed=True, detail=""),),
    )  # fmt: skip
    with redirect_stdout(io.StringIO()) as log:
        emit_drill(slow, "devops_hub")
    assert watched.aws.control.put_log_lines(log.getvalue().splitlines(), region=PRIMARY) > 0
    watched.s3().put_object(
        Bucket=watched.vault, Key=f"backups/{drill_report_name(slow.backup_id)}", Body=slow.to_json(),
        ChecksumAlgorithm="SHA256",
    )  # fmt: skip
    assert {"RecoverySlow", "CouldNotRecoverNow"} <= loud(watched)
    watched.aws.control.forget_metrics()
    fire(watched, "monitor")
    assert {"RecoverySlow", "CouldNotRecoverNow"} <= loud(watched)
    assert loud_after_a_while(watched) == set()


def test_stopped_replication_is_heard(quiet: World) -> None:
    """The vault is fresh, the replica falls behind; when the copies arrive, the alarm ends."""
    forget_backups(quiet)
    quiet.aws.control.forget_metrics()
    fire(quiet, "hourly", fresh_moment() - 3 * HOURS)
    quiet.aws.control.replication("hold")
    fire(quiet, "hourly")
    fire(quiet, "monitor")
    now = loud(quiet)
    assert "ReplicaBehind" in now
    assert "NoProvenBackup" not in now
    quiet.aws.control.replication("run")
    quiet.aws.control.settle()
    assert "ReplicaBehind" not in loud_after_a_while(quiet)
    assert quiet.last("monitor").response["unreplicated"] == []


def test_a_drill_that_does_not_run_in_the_recovery_region_is_heard(quiet: World) -> None:
    """The replica is older than a month and nobody has restored from it; the schedule's drill there ends the alarm."""
    forget_backups(quiet)
    fire(quiet, "hourly", fresh_moment() - timedelta(days=32))
    assert "NoReplicaDrill" in loud_after_a_while(quiet)
    assert quiet.last("monitor").response["vault"]["proven"] is not None
    quiet.aws.control.fire("drill", region=RECOVERY, at=datetime.now(UTC))
    quiet.aws.control.settle()
    assert "NoReplicaDrill" not in loud_after_a_while(quiet)


def test_failed_replication_is_heard(watched: World) -> None:
    """S3's own count and the objects' own status both tell; the missing copies, made by hand, end it, time does not."""
    watched.aws.control.replication("fail")
    fire(watched, "hourly")
    fire(watched, "monitor")
    assert {"ReplicationFailed", "ReplicationErrors"} <= loud(watched)
    watched.aws.control.replication("run")
    assert loud_after_a_while(watched) == {"ReplicationFailed"}
    for left in watched.last("monitor").response["unreplicated"]:
        key = f"backups/{left['name']}"
        body = watched.s3().get_object(Bucket=watched.vault, Key=key)["Body"].read()
        watched.s3(RECOVERY).put_object(Bucket=watched.replica, Key=key, Body=body, ChecksumAlgorithm="SHA256")
    assert loud_after_a_while(watched) == set()


def test_a_mass_deletion_is_heard(watched: World, tmp_path: Path) -> None:
    """Half of `events` is gone within a day; the report names the table.

    Neither another backup nor time ends the alarm; the rows brought back do.
    """
    keeping = f"ATTACH '{shutil.copy(watched.database, tmp_path)}' AS kept"
    change(watched, ["DELETE FROM events WHERE rowid % 2"])
    fire(watched, "hourly")
    lost = watched.last("backup").response["changes"]
    assert lost["largest_loss_table"] == "events"
    assert lost["largest_loss_percent"] == pytest.approx(50, abs=1)
    assert "MassDeletion" in loud(watched)
    assert loud_after_a_while(watched) == {"MassDeletion"}
    change(watched, [keeping, "INSERT OR IGNORE INTO events SELECT * FROM kept.events"])
    assert loud_after_a_while(watched) == set()


def test_suspicious_growth_and_shrinking_are_heard(watched: World) -> None:
    """A database that doubles, and one that loses half, are worth a look."""
    half = watched.database.stat().st_size
    change(watched, ["CREATE TABLE ballast (x)", f"INSERT INTO ballast VALUES (zeroblob({2 * half}))"])
    fire(watched, "hourly")
    assert "SuspiciousGrowth" in loud(watched)
    watched.aws.control.forget_metrics()
    change(watched, ["DROP TABLE ballast", "VACUUM"])
    fire(watched, "hourly")
    assert "SuspiciousShrink" in loud(watched)
    assert loud_after_a_while(watched) == set()


def test_a_missing_tier_is_heard(quiet: World) -> None:
    """A vault of more than a day without a daily backup; the daily backup ends the alarm."""
    forget_backups(quiet)
    fire(quiet, "hourly", fresh_moment() - 27 * HOURS)
    fire(quiet, "hourly")
    fire(quiet, "monitor")
    assert "MissingTier" in loud(quiet)
    fire(quiet, "daily")
    assert "MissingTier" not in loud_after_a_while(quiet)


def test_a_vault_that_is_not_as_deployed_is_heard(watched: World) -> None:
    """Somebody removes the lifecycle rules; put back, the alarm ends."""
    s3 = watched.s3()
    rules = s3.get_bucket_lifecycle_configuration(Bucket=watched.vault)["Rules"]
    s3.delete_bucket_lifecycle(Bucket=watched.vault)
    try:
        fire(watched, "monitor")
        assert "VaultDrift" in loud(watched)
    finally:
        s3.put_bucket_lifecycle_configuration(Bucket=watched.vault, LifecycleConfiguration={"Rules": rules})
    assert loud_after_a_while(watched) == set()


def test_deleted_backups_are_heard(watched: World) -> None:
    """Every object deleted: no backup is left to be proven; the versions behind the markers end the alarm."""
    forget_backups(watched)
    watched.aws.control.forget_metrics()
    fire(watched, "monitor")
    assert {"NoProvenBackup", "ReplicaBehind"} <= loud(watched)
    for region, bucket in ((PRIMARY, watched.vault), (RECOVERY, watched.replica)):
        s3 = watched.s3(region)
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix="backups/")
        for marker in [one for page in pages for one in page.get("DeleteMarkers", []) if one["IsLatest"]]:
            s3.delete_object(Bucket=bucket, Key=marker["Key"], VersionId=marker["VersionId"])
    fire(watched, "monitor")
    assert watched.last("monitor").response["vault"]["proven"] is not None
    assert loud(watched) & {"NoProvenBackup", "ReplicaBehind"} == set()


def test_a_monitor_that_cannot_look_is_heard(watched: World) -> None:
    """The replica's region does not answer: the monitor fails instead of reporting half."""
    watched.aws.control.switch_off([RECOVERY])
    fire(watched, "monitor")
    watched.aws.control.switch_off([])
    assert "MonitorErrors" in loud(watched)
    assert loud_after_a_while(watched) == set()


@pytest.mark.parametrize("region", [PRIMARY, RECOVERY])
def test_failing_functions_are_heard(watched: World, region: str) -> None:
    """In both regions: an event that cannot be fulfilled is an error of its function."""
    for verb in ("restore", "drill"):
        assert watched.invoke(verb, {"nonsense": True}, region=region).error is not None
    assert {"RestoreErrors", "DrillErrors"} <= loud(watched, region=region)
    assert loud_after_a_while(watched, region=region) == set()


def test_a_failing_ingest_is_heard(watched: World) -> None:
    """An upload that is no database."""
    watched.s3().put_object(
        Bucket=watched.vault, Key="inbox/devops_hub.db", Body=b"x" * 5000, ChecksumAlgorithm="SHA256"
    )
    watched.aws.control.settle()
    assert {"IngestErrors", "BackupFailed"} <= loud(watched)
    assert loud_after_a_while(watched) == set()


@pytest.mark.parametrize(
    ("region", "verbs"),
    [(PRIMARY, ("backup", "ingest", "restore", "drill", "monitor")), (RECOVERY, ("restore", "drill"))],
    ids=[PRIMARY, RECOVERY],
)
def test_functions_near_their_time_limit_are_heard(watched: World, region: str, verbs: tuple[str, ...]) -> None:
    """More than half of the 15 minutes; the durations are put by hand, nothing here takes so long."""
    data = [
        {
            "MetricName": "Duration", "Unit": "Milliseconds", "Value": 460_000.0,
            "Dimensions": [{"Name": "FunctionName", "Value": watched.function(verb)}],
        }
        for verb in verbs
    ]  # fmt: skip
    watched.aws.client("cloudwatch", region).put_metric_data(Namespace="AWS/Lambda", MetricData=data)
    assert loud(watched, region=region) == {f"{verb.title()}Slow" for verb in verbs}
    assert loud_after_a_while(watched, region=region) == set()


def test_a_schedule_that_cannot_deliver_is_heard(watched: World) -> None:
    """Its target is gone: the event lies among the schedules' dead letters until somebody takes it out."""
    scheduler = watched.aws.client("scheduler", PRIMARY)
    name = f"sqlitevault-{STAGE}-hourly"
    found = scheduler.get_schedule(Name=name, GroupName=f"sqlitevault-{STAGE}")
    told = {
        key: found[key] for key in ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target", "State")
    }
    lost = {**told["Target"], "Arn": told["Target"]["Arn"] + "-gone"}
    scheduler.update_schedule(**{**told, "Target": lost})
    try:
        watched.aws.control.fire("hourly", region=PRIMARY, at=fresh_moment())
        watched.aws.control.settle()
    finally:
        scheduler.update_schedule(**told)
    assert "DeadLettersSchedules" in loud(watched)
    assert loud_after_a_while(watched) == set()


def test_no_alarm_is_left_out(world: World) -> None:
    """Each deployed alarm is named by a test here: a new one needs a test too."""
    source = open(__file__, encoding="utf-8").read()  # noqa: PTH123, SIM115
    verbs = ("Backup", "Ingest", "Restore", "Drill", "Monitor")
    covered = {f"{verb}{kind}" for verb in verbs for kind in ("Errors", "Slow")}
    missing = []
    for stack in world.deployment.stacks:
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            names = [name.rsplit("-", 1)[-1] for name in stack.of_type(kind)]
            missing += [name for name in names if name not in covered and f'"{name}"' not in source]
    assert missing == []
