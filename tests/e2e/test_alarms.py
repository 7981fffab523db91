"""Every alarm fires on its cause and clears when the cause is gone. The evaluation of alarms is simulated."""

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
    firing,
    firing_after_a_while,
    forget_backups,
    hide_backups,
    messages,
    subscribed_queue,
)

HOURS = timedelta(hours=1)


@pytest.fixture
def watched(quiet: World) -> World:
    """A world with one fresh backup, a run of the monitor, and no firing alarm."""
    forget_backups(quiet)
    assert firing_after_a_while(quiet) == set()
    return quiet


def test_a_stopped_schedule_fires(watched: World) -> None:
    """Without a backup the alarms fire on missing data, and the next backup clears them; the topic gets both."""
    queue = subscribed_queue(watched)
    assert {"NoBackup", "NoProvenBackup", "CouldNotRecoverNow"} <= firing(watched, later=2 * HOURS)
    assert "docs/runbooks/no-backup.md" in messages(watched, queue)
    fire(watched, "hourly")
    fire(watched, "monitor")
    assert firing(watched) & {"NoBackup", "NoProvenBackup", "CouldNotRecoverNow"} == set()
    assert '\\"NewStateValue\\": \\"OK\\"' in messages(watched, queue)


def test_a_newest_backup_beyond_the_rpo_fires(quiet: World) -> None:
    """A newest backup older than the RPO fires the alarms on ages, and a fresh backup clears them."""
    forget_backups(quiet)
    fire(quiet, "hourly", fresh_moment() - 3 * HOURS)
    fire(quiet, "monitor")
    assert {"NoProvenBackup", "ReplicaBehind", "CouldNotRecoverNow"} <= firing(quiet)
    assert firing_after_a_while(quiet) & {"NoProvenBackup", "ReplicaBehind", "CouldNotRecoverNow"} == set()


def test_a_lost_source_fires(watched: World) -> None:
    """A missing database fires the alarms on failed backups and dead letters; the next backup clears them."""
    hidden = watched.database.with_suffix(".hidden")
    watched.database.rename(hidden)
    try:
        fire(watched, "hourly")
    finally:
        hidden.rename(watched.database)
    assert {"BackupFailed", "BackupErrors", "DeadLettersFunctions"} <= firing(watched)
    assert firing_after_a_while(watched) == set()


def test_a_damaged_object_fires(watched: World) -> None:
    """A damaged archive fires DrillFailed, and the next passed drill clears it."""
    report = watched.last("backup").response
    key = f"backups/{report['archive']}"
    watched.s3().put_object(Bucket=watched.vault, Key=key, Body=b"damaged", ChecksumAlgorithm="SHA256")
    assert watched.invoke("drill", {"backup": report["backup_id"]}).report["errorType"] == "DrillFailed"
    watched.aws.control.settle()
    assert {"DrillFailed", "DrillErrors"} <= firing(watched)
    assert firing_after_a_while(watched) == set()


def test_a_slow_recovery_fires(watched: World) -> None:
    """A drill of eight minutes, over half the RTO, fires RecoverySlow until the next drill, however late that is.

    The test writes the log line and the report, because no drill here takes so long.
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
    assert {"RecoverySlow", "CouldNotRecoverNow"} <= firing(watched)
    watched.aws.control.forget_metrics()
    fire(watched, "monitor")
    assert {"RecoverySlow", "CouldNotRecoverNow"} <= firing(watched)
    assert firing_after_a_while(watched) == set()


def test_stopped_replication_fires(quiet: World) -> None:
    """Held replication fires ReplicaBehind although the vault is fresh; the copies' arrival clears it."""
    forget_backups(quiet)
    quiet.aws.control.forget_metrics()
    fire(quiet, "hourly", fresh_moment() - 3 * HOURS)
    quiet.aws.control.replication("hold")
    fire(quiet, "hourly")
    fire(quiet, "monitor")
    now = firing(quiet)
    assert "ReplicaBehind" in now
    assert "NoProvenBackup" not in now
    quiet.aws.control.replication("run")
    quiet.aws.control.settle()
    assert "ReplicaBehind" not in firing_after_a_while(quiet)
    assert quiet.last("monitor").response["unreplicated"] == []


def test_a_missing_drill_in_the_recovery_region_fires(quiet: World) -> None:
    """More than a month without a drill from the replica fires NoReplicaDrill; the scheduled drill clears it."""
    forget_backups(quiet)
    fire(quiet, "hourly", fresh_moment() - timedelta(days=32))
    assert "NoReplicaDrill" in firing_after_a_while(quiet)
    assert quiet.last("monitor").response["vault"]["proven"] is not None
    quiet.aws.control.fire("drill", region=RECOVERY, at=datetime.now(UTC))
    quiet.aws.control.settle()
    assert "NoReplicaDrill" not in firing_after_a_while(quiet)


def test_failed_replication_fires(watched: World) -> None:
    """A failed replication fires on S3's metric and on the objects' status; only copying by hand clears the latter."""
    watched.aws.control.replication("fail")
    fire(watched, "hourly")
    fire(watched, "monitor")
    assert {"ReplicationFailed", "ReplicationErrors"} <= firing(watched)
    watched.aws.control.replication("run")
    assert firing_after_a_while(watched) == {"ReplicationFailed"}
    for left in watched.last("monitor").response["unreplicated"]:
        key = f"backups/{left['name']}"
        body = watched.s3().get_object(Bucket=watched.vault, Key=key)["Body"].read()
        watched.s3(RECOVERY).put_object(Bucket=watched.replica, Key=key, Body=body, ChecksumAlgorithm="SHA256")
    assert firing_after_a_while(watched) == set()


def test_a_mass_deletion_fires(watched: World, tmp_path: Path) -> None:
    """Deleting half of `events` within a day fires MassDeletion, and the report names the table.

    Restoring the rows clears the alarm; another backup or waiting does not.
    """
    keeping = f"ATTACH '{shutil.copy(watched.database, tmp_path)}' AS kept"
    change(watched, ["DELETE FROM events WHERE rowid % 2"])
    fire(watched, "hourly")
    lost = watched.last("backup").response["changes"]
    assert lost["largest_loss_table"] == "events"
    assert lost["largest_loss_percent"] == pytest.approx(50, abs=1)
    assert "MassDeletion" in firing(watched)
    assert firing_after_a_while(watched) == {"MassDeletion"}
    change(watched, [keeping, "INSERT OR IGNORE INTO events SELECT * FROM kept.events"])
    assert firing_after_a_while(watched) == set()


def test_suspicious_growth_and_shrinking_fire(watched: World) -> None:
    """A database that doubles, and one that loses half, each raise an alarm."""
    half = watched.database.stat().st_size
    change(watched, ["CREATE TABLE ballast (x)", f"INSERT INTO ballast VALUES (zeroblob({2 * half}))"])
    fire(watched, "hourly")
    assert "SuspiciousGrowth" in firing(watched)
    watched.aws.control.forget_metrics()
    change(watched, ["DROP TABLE ballast", "VACUUM"])
    fire(watched, "hourly")
    assert "SuspiciousShrink" in firing(watched)
    assert firing_after_a_while(watched) == set()


def test_a_missing_tier_fires(quiet: World) -> None:
    """More than a day without a daily backup fires MissingTier; a daily backup clears it."""
    forget_backups(quiet)
    fire(quiet, "hourly", fresh_moment() - 27 * HOURS)
    fire(quiet, "hourly")
    fire(quiet, "monitor")
    assert "MissingTier" in firing(quiet)
    fire(quiet, "daily")
    assert "MissingTier" not in firing_after_a_while(quiet)


def test_a_vault_that_is_not_as_deployed_fires(watched: World) -> None:
    """Removing the lifecycle rules fires VaultDrift; restoring them clears it."""
    s3 = watched.s3()
    rules = s3.get_bucket_lifecycle_configuration(Bucket=watched.vault)["Rules"]
    s3.delete_bucket_lifecycle(Bucket=watched.vault)
    try:
        fire(watched, "monitor")
        assert "VaultDrift" in firing(watched)
    finally:
        s3.put_bucket_lifecycle_configuration(Bucket=watched.vault, LifecycleConfiguration={"Rules": rules})
    assert firing_after_a_while(watched) == set()


def test_deleted_backups_fire(watched: World) -> None:
    """Deleting all backups fires NoProvenBackup; restoring the hidden versions clears it."""
    hide_backups(watched)
    watched.aws.control.forget_metrics()
    fire(watched, "monitor")
    assert {"NoProvenBackup", "ReplicaBehind"} <= firing(watched)
    for region, bucket in ((PRIMARY, watched.vault), (RECOVERY, watched.replica)):
        s3 = watched.s3(region)
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix="backups/")
        for marker in [one for page in pages for one in page.get("DeleteMarkers", []) if one["IsLatest"]]:
            s3.delete_object(Bucket=bucket, Key=marker["Key"], VersionId=marker["VersionId"])
    fire(watched, "monitor")
    assert watched.last("monitor").response["vault"]["proven"] is not None
    assert firing(watched) & {"NoProvenBackup", "ReplicaBehind"} == set()


def test_a_monitor_that_cannot_read_the_replica_fires(watched: World) -> None:
    """If the replica's region does not answer, the monitor fails and MonitorErrors fires."""
    watched.aws.control.switch_off([RECOVERY])
    fire(watched, "monitor")
    watched.aws.control.switch_off([])
    assert "MonitorErrors" in firing(watched)
    assert firing_after_a_while(watched) == set()


@pytest.mark.parametrize("region", [PRIMARY, RECOVERY])
def test_failing_functions_fire(watched: World, region: str) -> None:
    """In both regions, an invalid event is an error of its function, and fires its alarm."""
    for verb in ("restore", "drill"):
        assert watched.invoke(verb, {"nonsense": True}, region=region).error is not None
    assert {"RestoreErrors", "DrillErrors"} <= firing(watched, region=region)
    assert firing_after_a_while(watched, region=region) == set()


def test_a_failing_ingest_fires(watched: World) -> None:
    """An upload that is not a database fires IngestErrors and BackupFailed."""
    watched.s3().put_object(
        Bucket=watched.vault, Key="inbox/devops_hub.db", Body=b"x" * 5000, ChecksumAlgorithm="SHA256"
    )
    watched.aws.control.settle()
    assert {"IngestErrors", "BackupFailed"} <= firing(watched)
    assert firing_after_a_while(watched) == set()


@pytest.mark.parametrize(
    ("region", "verbs"),
    [(PRIMARY, ("backup", "ingest", "restore", "drill", "monitor")), (RECOVERY, ("restore", "drill"))],
    ids=[PRIMARY, RECOVERY],
)
def test_functions_near_their_time_limit_fire(watched: World, region: str, verbs: tuple[str, ...]) -> None:
    """A duration over half of the 15 minutes fires; the durations are invented, as no function here takes so long."""
    data = [
        {
            "MetricName": "Duration", "Unit": "Milliseconds", "Value": 460_000.0,
            "Dimensions": [{"Name": "FunctionName", "Value": watched.function(verb)}],
        }
        for verb in verbs
    ]  # fmt: skip
    watched.aws.client("cloudwatch", region).put_metric_data(Namespace="AWS/Lambda", MetricData=data)
    assert firing(watched, region=region) == {f"{verb.title()}Slow" for verb in verbs}
    assert firing_after_a_while(watched, region=region) == set()


def test_a_schedule_that_cannot_deliver_fires(watched: World) -> None:
    """A schedule without its target fires DeadLettersSchedules until the event is removed from the queue."""
    scheduler = watched.aws.client("scheduler", PRIMARY)
    name = f"sqlitevault-{STAGE}-hourly"
    found = scheduler.get_schedule(Name=name, GroupName=f"sqlitevault-{STAGE}")
    given = {
        key: found[key] for key in ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target", "State")
    }
    lost = {**given["Target"], "Arn": given["Target"]["Arn"] + "-gone"}
    scheduler.update_schedule(**{**given, "Target": lost})
    try:
        watched.aws.control.fire("hourly", region=PRIMARY, at=fresh_moment())
        watched.aws.control.settle()
    finally:
        scheduler.update_schedule(**given)
    assert "DeadLettersSchedules" in firing(watched)
    assert firing_after_a_while(watched) == set()


def test_no_alarm_is_left_out(world: World) -> None:
    """Each deployed alarm is named in this module; a new one needs a test."""
    source = open(__file__, encoding="utf-8").read()  # noqa: PTH123, SIM115
    verbs = ("Backup", "Ingest", "Restore", "Drill", "Monitor")
    covered = {f"{verb}{kind}" for verb in verbs for kind in ("Errors", "Slow")}
    missing = []
    for stack in world.deployment.stacks:
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            names = [name.rsplit("-", 1)[-1] for name in stack.of_type(kind)]
            missing += [name for name in names if name not in covered and f'"{name}"' not in source]
    assert missing == []
