"""Readiness: every line passes with its evidence, and fails when the evidence is missing or too old."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from localaws import EmbeddedAws
from sqlitevault.ground.errors import VaultUnavailable
from sqlitevault.watch.aws_alarms import read_alarms
from sqlitevault.watch.evidence import Status
from tests.integration.ready_world import PRIMARY, RECOVERY, RPO, SPECS, ReadyWorld, make_ready, put_alarm

SCHEDULE, OFF_SITE, ALARMS = "backups on schedule", "off-site copy", "alarms armed and delivering"
DRILL, CYCLE, REPLICA_DRILL = "drill within 30 days", "newest backup drilled", "drill from the replica"
KEYS, LOCK, RUNBOOK = "key metadata present", "lock and retention as set", "runbook tested"
LINES = (SCHEDULE, OFF_SITE, ALARMS, DRILL, CYCLE, REPLICA_DRILL, KEYS, LOCK, RUNBOOK)
pytestmark = pytest.mark.xdist_group("aws")


@pytest.fixture(scope="module")
def ready(aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> ReadyWorld:
    """A world that no test changes."""
    return make_ready(aws, tmp_path_factory.mktemp("ready"))


@pytest.fixture
def world(aws: EmbeddedAws, tmp_path: Path) -> ReadyWorld:
    """A world that a test may change."""
    return make_ready(aws, tmp_path)


def test_with_all_evidence_every_line_passes(ready: ReadyWorld) -> None:
    """With all evidence, each of the nine lines passes with a proof and its age."""
    report = ready.look()
    assert [line.name for line in report.lines] == list(LINES)
    assert {line.status for line in report.lines} == {Status.OK}, report.failed
    assert report.ready
    assert all(line.age_seconds is not None and line.proof for line in report.lines)


@pytest.mark.parametrize(
    ("later", "lines"),
    [
        (timedelta(minutes=34), set()),
        (timedelta(minutes=36), {ALARMS, LOCK}),
        (timedelta(minutes=56), {ALARMS, LOCK, SCHEDULE}),
        (timedelta(minutes=71), {ALARMS, LOCK, SCHEDULE, OFF_SITE, CYCLE}),
        (timedelta(days=30, hours=1), {ALARMS, LOCK, SCHEDULE, OFF_SITE, CYCLE, DRILL, KEYS}),
        (timedelta(days=32), set(LINES) - {RUNBOOK}),
        (timedelta(days=91), set(LINES)),
    ],
    ids=["fresh", "monitor", "rpo", "replica", "drill", "replica-drill", "runbook"],
)
def test_stale_evidence_fails(ready: ReadyWorld, later: timedelta, lines: set[str]) -> None:
    """When nothing runs any more, one line after another fails, as its evidence becomes too old."""
    failed = ready.failed(later=later)
    assert set(failed) == lines
    assert all("older than " in proof for proof in failed.values())


def _no_manifest(world: ReadyWorld) -> None:
    world.vault.delete(world.manifest)


def _daily_backup_overdue(world: ReadyWorld) -> None:
    world.back_up(timedelta(days=2))


def _copies_deleted(world: ReadyWorld) -> None:
    for entry in list(world.replica.objects()):
        world.replica.delete(entry.name)


def _copy_failed(world: ReadyWorld) -> None:
    world.aws.control.replication("fail")
    world.back_up(timedelta(minutes=3))
    world.aws.control.replication("run")


def _replica_gone(world: ReadyWorld) -> None:
    world.aws.control.settle()
    s3 = world.client("s3", RECOVERY)
    for entry in s3.list_object_versions(Bucket=world.replica_bucket)["Versions"]:
        s3.delete_object(
            Bucket=world.replica_bucket, Key=entry["Key"], VersionId=entry["VersionId"], BypassGovernanceRetention=True
        )
    s3.delete_bucket(Bucket=world.replica_bucket)


def _alarm_deleted(world: ReadyWorld) -> None:
    world.client("cloudwatch").delete_alarms(AlarmNames=[world.alarm("DrillFailed")])


def _alarm_of_another_database(world: ReadyWorld) -> None:
    _alarm_deleted(world)
    put_alarm(replace(world, number=99_999), SPECS["DrillFailed"], topic=world.topic)


def _actions_disabled(world: ReadyWorld) -> None:
    put_alarm(world, SPECS["BackupFailed"], enabled=False)


def _alarm_never_fires(world: ReadyWorld) -> None:
    put_alarm(world, replace(SPECS["MissingTier"], threshold=1e15))


def _alarm_later_than_the_rpo(world: ReadyWorld) -> None:
    put_alarm(world, replace(SPECS["NoProvenBackup"], threshold=RPO + 901))


def _missing_data_is_ignored(world: ReadyWorld) -> None:
    put_alarm(world, replace(SPECS["ReplicaBehind"], on_missing_data=False))


def _no_subscription(world: ReadyWorld) -> None:
    sns = world.client("sns")
    for entry in sns.list_subscriptions_by_topic(TopicArn=world.topic)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=entry["SubscriptionArn"])


def _topic_gone(world: ReadyWorld) -> None:
    world.client("sns").delete_topic(TopicArn=world.topic)


def _no_monitor_report(world: ReadyWorld) -> None:
    world.vault.delete("reports/monitor/latest.json")


def _invalid_monitor_report(world: ReadyWorld) -> None:
    world.vault.replace("reports/monitor/latest.json", b"{}")


def _no_drill(world: ReadyWorld) -> None:
    world.vault.delete(world.proof)


def _drill_failed(world: ReadyWorld) -> None:
    world.rewrite(world.proof, lambda report: report.update(passed=False))


def _newest_not_drilled(world: ReadyWorld) -> None:
    world.vault.delete(f"reports/drills/{world.back_up(timedelta(minutes=4))}.json")
    world.now += timedelta(minutes=20)


def _slow_recovery(world: ReadyWorld) -> None:
    world.rewrite(world.proof, lambda report: report.update(recovery_seconds=1000.0))


def _no_replica_drill(world: ReadyWorld) -> None:
    world.replica.delete(world.replica_proof)


def _slow_replica_drill(world: ReadyWorld) -> None:
    report = json.loads(world.replica.read(world.replica_proof, limit=1 << 20))
    world.replica.replace(world.replica_proof, json.dumps(report | {"recovery_seconds": 1000.0}).encode())


def _no_key_metadata(world: ReadyWorld) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["files"] = [file for file in manifest["files"] if file["path"] != "api_keys_metadata.csv"]

    world.rewrite(world.manifest, change)


def _lifecycle_deleted(world: ReadyWorld) -> None:
    world.client("s3").delete_bucket_lifecycle(Bucket=world.bucket)


def _drift_seen(world: ReadyWorld) -> None:
    world.monitor(lock_days=30)


def _no_runbook(world: ReadyWorld) -> None:
    world.vault.delete("reports/runbooks/server-lost.json")


def _runbook_of_the_future(world: ReadyWorld) -> None:
    world.rewrite("reports/runbooks/server-lost.json", lambda test: test.update(tested_at="2999-01-01T00:00:00Z"))


_PROVEN = {SCHEDULE, DRILL, CYCLE, KEYS}
_CHANGES: dict[Callable[[ReadyWorld], None], tuple[set[str], str]] = {
    _no_manifest: (_PROVEN, "no backup has been proven"),
    _daily_backup_overdue: ({SCHEDULE}, "the daily backup is overdue"),
    _copies_deleted: ({OFF_SITE, REPLICA_DRILL}, "there is no copy in s3://"),
    _copy_failed: ({OFF_SITE}, "was not copied: FAILED"),
    _replica_gone: ({OFF_SITE, REPLICA_DRILL}, "cannot be read: "),
    _alarm_deleted: ({ALARMS}, "no alarm on DrillFailed"),
    _alarm_of_another_database: ({ALARMS}, "no alarm on DrillFailed"),
    _actions_disabled: ({ALARMS}, "not armed: "),
    _alarm_never_fires: ({ALARMS}, "no alarm fires when MissingTiers is 1"),
    _alarm_later_than_the_rpo: ({ALARMS}, "no alarm fires when ProvenBackupAgeSeconds is 4500"),
    _missing_data_is_ignored: ({ALARMS}, "no alarm fires when ReplicaAgeSeconds is missing"),
    _no_subscription: ({ALARMS}, "without a confirmed subscription: "),
    _topic_gone: ({ALARMS}, "without a confirmed subscription: "),
    _no_monitor_report: ({ALARMS, LOCK}, "the monitor has written no report"),
    _invalid_monitor_report: ({ALARMS, LOCK}, "the monitor's report in the vault is not valid"),
    _no_drill: (_PROVEN, "no drill has passed"),
    _drill_failed: (_PROVEN, "the drill of bank"),
    _newest_not_drilled: ({CYCLE}, "was not drilled"),
    _slow_recovery: ({DRILL}, "recovery took longer than the RTO of 900 s"),
    _no_replica_drill: ({REPLICA_DRILL}, "no drill from s3://"),
    _slow_replica_drill: ({REPLICA_DRILL}, "recovery took longer than the RTO of 900 s"),
    _no_key_metadata: ({KEYS}, "missing; api_keys_metadata.csv in "),
    _lifecycle_deleted: ({LOCK}, "nothing expires"),
    _drift_seen: ({LOCK}, "lock days is 7, deployed as 30"),
    _no_runbook: ({RUNBOOK}, "no runbook was ever tested"),
    _runbook_of_the_future: ({RUNBOOK}, "dated in the future"),
}


@pytest.mark.parametrize("change", _CHANGES, ids=[change.__name__.strip("_") for change in _CHANGES])
def test_a_line_fails_without_its_evidence(world: ReadyWorld, change: Callable[[ReadyWorld], None]) -> None:
    """Only the lines that depend on the missing evidence fail, and their proof gives the reason."""
    lines, why = _CHANGES[change]
    change(world)
    failed = world.failed()
    assert set(failed) == lines
    assert any(why in proof for proof in failed.values()), failed


def test_a_new_backup_may_wait_for_its_drill(world: ReadyWorld) -> None:
    """Until a new backup is drilled, the one before it counts."""
    world.vault.delete(f"reports/drills/{world.back_up(timedelta(minutes=1))}.json")
    assert world.failed() == {}


def test_a_drill_of_the_vault_does_not_overwrite_that_of_the_replica(world: ReadyWorld) -> None:
    """The report of a drill from the vault is replicated, but under another name than the replica's own report."""
    world.drill(world.vault, world.backup_id)
    world.aws.control.settle()
    assert world.failed() == {}


def test_if_the_deployment_is_unknown_the_monitors_report_counts(world: ReadyWorld) -> None:
    """If the deployed settings are unknown, a lock must exist, and the monitor must not have reported a drift."""
    assert world.failed(lock_days=None) == {}
    longer = world.failed(lock_days=30)
    assert longer[LOCK].startswith("lock days is 7, deployed as 30; ")
    _drift_seen(world)
    assert set(world.failed(lock_days=None)) == {LOCK}


def test_an_unconfirmed_subscription_does_not_count() -> None:
    """Of three subscriptions only the confirmed one counts; SNS lists others with a word instead of an ARN."""
    cloudwatch = boto3.client("cloudwatch", region_name=PRIMARY)
    sns = boto3.client("sns", region_name=PRIMARY)
    topic = f"arn:aws:sns:{PRIMARY}:123456789012:alerts"
    alarm = {
        "AlarmName": "a", "Namespace": "SqliteVault", "MetricName": "BackupFailed", "ActionsEnabled": True,
        "AlarmActions": [topic], "Dimensions": [{"Name": "Database", "Value": "bank"}], "StateValue": "ALARM",
    }  # fmt: skip
    listed = [
        {"SubscriptionArn": arn, "Protocol": "email", "TopicArn": topic}
        for arn in ("PendingConfirmation", "Deleted", f"{topic}:1")
    ]
    with Stubber(cloudwatch) as alarms, Stubber(sns) as subscriptions:
        alarms.add_response("describe_alarms", {"MetricAlarms": [alarm], "CompositeAlarms": []})
        subscriptions.add_response("list_subscriptions_by_topic", {"Subscriptions": listed})
        (found,) = read_alarms(cloudwatch, sns, "bank")
        assert (found.listeners, found.armed, found.firing) == (1, True, True)
        alarms.add_client_error("describe_alarms", "AccessDenied")
        with pytest.raises(VaultUnavailable, match="the alarms cannot be read") as refused:
            read_alarms(cloudwatch, sns, "bank")
        assert "cloudwatch:DescribeAlarms" in refused.value.hint
