"""The functions as Lambda calls them: the sample events in, reports, metrics and errors out; S3 is moto's."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from localaws.emf import parse_lines
from sqlitevault.errors import (
    BackupNotFound,
    ConfigError,
    DrillFailed,
    SourceCorrupt,
    SourceNotFound,
    TargetInUse,
)
from sqlitevault.manifest import Scope, Tier
from sqlitevault.services.backup import BackupReport, BackupRequest, back_up
from sqlitevault.services.catalog import Choice
from sqlitevault.services.drill import DrillRequest, drill
from sqlitevault.services.selection import select
from sqlitevault.services.steps import Unwatched
from sqlitevault.vault_location import open_vault
from sqlitevault.wiring import wire
from tests.databases import execute, holding_the_lock, make_bank, require_bank, rows

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVENTS = Path(__file__).parents[2] / "events"
VAULT, REPLICA = (f"sqlitevault-prod-111122223333-{region}" for region in ("us-east-1", "us-west-2"))
HOURLY = "devops_hub_backup_20260131_020500"


@dataclass(frozen=True)
class Context:
    """What the functions use of Lambda's context."""

    function_name: str


@dataclass(frozen=True)
class Home:
    """The file system with the application's database, the two buckets, and the functions."""

    root: Path
    database: Path
    s3: "S3Client"
    printed: Callable[[], str]

    def invoke(self, verb: str, event: str | dict[str, Any]) -> Any:
        """Call a function with a sample event by name, or with this one, and return what Lambda would."""
        order = json.loads((EVENTS / f"{event}.json").read_text()) if isinstance(event, str) else event
        handler = import_module(f"{verb}.handler").handler
        return json.loads(json.dumps(handler(order, Context(f"sqlitevault-prod-{verb}"))))

    def metrics(self) -> dict[str, float]:
        """Return the metrics printed since the last time, each under its name, and see that they keep to the format."""
        found = parse_lines(self.printed().splitlines())
        for datum in found:
            assert (datum.namespace, datum.dimensions) == ("SqliteVault", {"Database": "devops_hub"})
            assert len(datum.values) == 1
        return {datum.name: datum.values[0] for datum in found}

    def names(self, suffix: str = "") -> list[str]:
        """Return the keys in the vault with this ending."""
        listed = self.s3.list_objects_v2(Bucket=VAULT).get("Contents", [])
        return [entry["Key"] for entry in listed if entry["Key"].endswith(suffix)]

    def damage(self, archive: str) -> None:
        """Flip one bit of an archive in the vault."""
        key = f"backups/{archive}"
        body = bytearray(self.s3.get_object(Bucket=VAULT, Key=key)["Body"].read())
        body[len(body) // 2] ^= 1
        self.s3.put_object(Bucket=VAULT, Key=key, Body=bytes(body))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Home]:
    """A function's environment around a small database and two versioned buckets."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    variables = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATABASE_PATH": str(tmp_path / "mount" / "data" / "devops_hub.db"),
        "CONFIG_ROOT": str(tmp_path / "mount"),
        "BACKUP_DIR": f"s3://{VAULT}/backups/",
        "REPLICA_URI": f"s3://{REPLICA}/backups/",
        "SCRATCH_DIR": str(tmp_path / "scratch"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    wire.cache_clear()  # each test is a process of its own
    with mock_aws():
        s3 = boto3.client("s3")
        for bucket in (VAULT, REPLICA):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        database = make_bank(tmp_path / "mount" / "data" / "devops_hub.db")
        (tmp_path / "mount" / "docker-compose.yml").write_text("services:\n  app:\n    image: devops-hub:1\n")
        yield Home(tmp_path / "mount", database, s3, lambda: capsys.readouterr().out)
    wire.cache_clear()


def test_backup_backs_up_and_counts_it(home: Home) -> None:
    """Archive and manifest lie in the tier's folder, and the metrics say how much and how long."""
    report = home.invoke("backup", "backup-hourly")
    assert report["created"] is True
    assert home.names() == [
        f"backups/hourly/devops_hub/{HOURLY}.tar.gz",
        f"backups/hourly/devops_hub/{HOURLY}.tar.gz.manifest.json",
    ]
    assert report["manifest"]["source"] == {
        "name": "devops_hub",
        "path": str(home.database),
        "host": "sqlitevault-prod-backup",
    }
    metrics = home.metrics()
    seconds = {"BackupSeconds", "WriterStallSeconds"}
    assert set(metrics) == {"BackupSucceeded", "BackupFailed", "ArchiveBytes", "DatabaseBytes", "Rows", *seconds}
    assert (metrics["BackupSucceeded"], metrics["BackupFailed"]) == (1, 0)
    assert metrics["DatabaseBytes"] == home.database.stat().st_size
    assert metrics["Rows"] == 50 + 500 + 1
    assert metrics["ArchiveBytes"] == report["manifest"]["archive"]["bytes"]


def test_the_same_scheduled_time_twice_makes_one_backup(home: Home) -> None:
    """A repeated delivery finds the backup and reports it, and counts as a success."""
    first = home.invoke("backup", "backup-hourly")
    before = home.s3.list_object_versions(Bucket=VAULT)["Versions"]
    execute(home.database, "DELETE FROM ledger")
    again = home.invoke("backup", "backup-hourly")
    assert (again["created"], again["backup_id"]) == (False, first["backup_id"])
    assert again["manifest"] == first["manifest"]
    assert home.s3.list_object_versions(Bucket=VAULT)["Versions"] == before
    assert home.metrics()["BackupSucceeded"] == 1


def test_the_next_backup_tells_what_was_lost_since(home: Home) -> None:
    """The alarm on mass deletion lives on this metric."""
    home.invoke("backup", "backup-hourly")
    execute(home.database, "DELETE FROM ledger WHERE id <= 250")
    home.printed()
    home.invoke("backup", {"tier": "hourly", "scope": "database", "scheduled_time": "2026-01-31T03:05:00Z"})
    metrics = home.metrics()
    assert metrics["LargestTableLossPercent"] == 50
    assert "DatabaseChangePercent" in metrics


@pytest.mark.parametrize(
    ("event", "folder", "holds"),
    [
        pytest.param("backup-daily", "daily", {"database", "config"}, id="daily"),
        pytest.param("backup-weekly", "weekly", {"database", "config"}, id="weekly"),
        pytest.param("backup-monthly", "monthly", {"database", "config"}, id="monthly"),
        pytest.param("backup-manual", "manual", {"database", "config"}, id="by hand"),
        pytest.param("backup-config", "manual", {"config"}, id="configuration"),
    ],
)
def test_backup_takes_what_the_event_asks_for(home: Home, event: str, folder: str, holds: set[str]) -> None:
    """Tier and scope decide the folder and the content."""
    report = home.invoke("backup", event)
    assert report["archive"].startswith(f"{folder}/devops_hub/devops_hub_backup_")
    paths = {file["path"] for file in report["manifest"]["files"]}
    assert ("devops_hub.db" in paths) == ("database" in holds)
    assert "config/docker-compose.yml" in paths


def test_a_backup_that_fails_escapes_and_is_counted(home: Home) -> None:
    """Retries, dead letters and alarms live on the error; its code and hint are in the log."""
    home.database.unlink()
    with pytest.raises(SourceNotFound):
        home.invoke("backup", "backup-hourly")
    printed = home.printed()
    assert {d.name: d.values for d in parse_lines(printed.splitlines())} == {"BackupFailed": (1.0,)}
    logged = [json.loads(line) for line in printed.splitlines() if "error_code" in line]
    assert [line["error_code"] for line in logged] == ["SourceNotFound"]
    assert logged[0]["hint"]
    assert home.names() == []


def test_an_event_that_is_refused_is_counted_too(home: Home) -> None:
    """A schedule with a misspelt field must not fail in silence."""
    with pytest.raises(ConfigError, match="teir: "):
        home.invoke("backup", {"teir": "hourly"})
    assert home.metrics() == {"BackupFailed": 1}


def test_an_upload_becomes_a_backup_that_names_it(home: Home) -> None:
    """The version that the event names, under the time of its upload; the working copy's path is nowhere."""
    uploaded = _upload(home, home.database.read_bytes())
    report = home.invoke("ingest", uploaded)
    assert report["archive"] == "manual/devops_hub/devops_hub_backup_20260131_093000.tar.gz"
    assert report["manifest"]["source"] == {
        "name": "devops_hub",
        "path": f"s3://{VAULT}/inbox/devops_hub.db",
        "host": "sqlitevault-prod-ingest",
    }
    assert home.metrics()["BackupSucceeded"] == 1
    assert home.invoke("ingest", uploaded)["created"] is False


def test_the_uploaded_version_counts_not_the_newest(home: Home) -> None:
    """What was uploaded over it meanwhile has an event of its own."""
    uploaded = _upload(home, home.database.read_bytes())
    _upload(home, b"something else")
    assert sum(table["rows"] for table in home.invoke("ingest", uploaded)["manifest"]["tables"]) == 551


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"no database" * 500, SourceCorrupt, id="no database"),
        pytest.param(None, BackupNotFound, id="gone meanwhile"),
    ],
)
def test_an_upload_that_is_no_backup_fails_loudly(home: Home, content: bytes | None, error: type[Exception]) -> None:
    """Nothing is committed, and it counts as a failed backup."""
    event = _upload(home, content) if content else "ingest-object-created"
    with pytest.raises(error):
        home.invoke("ingest", event)
    assert home.metrics() == {"BackupFailed": 1}
    assert home.names(".manifest.json") == []


def test_a_manifest_that_arrives_is_drilled(home: Home) -> None:
    """Passed: the report lies beside the backups, and recovery time is a metric."""
    home.invoke("backup", "backup-daily")
    home.printed()
    report = home.invoke("drill", "drill-manifest-created")
    assert (report["passed"], report["backup_id"]) == (True, "devops_hub_backup_20260131_020000")
    assert "backups/reports/drills/devops_hub_backup_20260131_020000.json" in home.names()
    metrics = home.metrics()
    assert (metrics["DrillSucceeded"], metrics["DrillFailed"]) == (1, 0)
    assert metrics["RecoverySeconds"] == report["recovery_seconds"]


@pytest.mark.parametrize("event", ["drill-latest", "drill-one"])
def test_a_drill_can_be_ordered(home: Home, event: str) -> None:
    """Of the newest backup or of the one named."""
    home.invoke("backup", "backup-daily")
    assert home.invoke("drill", event)["backup_id"] == "devops_hub_backup_20260131_020000"


def test_a_damaged_archive_fails_its_drill_and_is_passed_over(home: Home) -> None:
    """Recorded, counted and raised, each once; the plan then takes the backup before it."""
    home.invoke("backup", "backup-daily")
    damaged = home.invoke("backup", "backup-hourly")
    home.damage(damaged["archive"])
    home.printed()
    with pytest.raises(DrillFailed, match=HOURLY):
        home.invoke("drill", {"backup": HOURLY})
    metrics = home.metrics()
    assert (metrics["DrillSucceeded"], metrics["DrillFailed"]) == (0, 1)
    assert "RecoverySeconds" not in metrics
    plan = home.invoke("restore", "restore-plan")
    assert plan["backup_id"] == "devops_hub_backup_20260131_020000"
    assert HOURLY in plan["skipped"][0]


def test_a_drill_without_a_backup_is_a_failed_drill(home: Home) -> None:
    """An empty vault proves nothing."""
    with pytest.raises(BackupNotFound):
        home.invoke("drill", "drill-latest")
    assert home.metrics() == {"DrillFailed": 1}


def test_monitor_measures_ages_and_what_is_missing(home: Home) -> None:
    """A proven backup has an age; an empty replica has none, since missing data is what its alarm is for."""
    taken = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    backup = home.invoke("backup", {"tier": "hourly", "scope": "database", "scheduled_time": taken})
    home.invoke("drill", {"backup": backup["backup_id"]})
    home.printed()
    report = home.invoke("monitor", "monitor")
    metrics = home.metrics()
    assert metrics["ProvenBackupAgeSeconds"] == metrics["BackupAgeSeconds"] >= 600
    assert "ReplicaAgeSeconds" not in metrics
    assert metrics["MissingTiers"] == metrics["ReplicationFailed"] == metrics["VaultDrift"] == 0
    assert len(report["unreplicated"]) == 2
    assert report["problems"]
    assert "backups/reports/monitor/latest.json" in home.names()


def test_monitor_of_empty_vaults_reports_no_ages(home: Home) -> None:
    """It does not fail: what is wrong shows in metrics and report."""
    report = home.invoke("monitor", "monitor")
    metrics = home.metrics()
    assert metrics["MissingTiers"] == 4
    assert not any("Age" in name for name in metrics)
    assert len(report["missing_tiers"]) == 4


def test_plan_changes_nothing(home: Home) -> None:
    """It says what would be restored and what would be lost."""
    home.invoke("backup", "backup-daily")
    execute(home.database, "DELETE FROM ledger")
    before = home.database.read_bytes()
    plan = home.invoke("restore", "restore-plan-one")
    assert plan["backup_id"] == "devops_hub_backup_20260131_020000"
    changes = {table["name"]: (table["rows_now"], table["rows_after"]) for table in plan["tables"]}
    assert changes["ledger"] == (0, 500)
    assert home.database.read_bytes() == before
    assert [path.name for path in home.database.parent.iterdir()] == ["devops_hub.db"]


def test_stage_promote_and_undo(home: Home) -> None:
    """Three orders: the backup lies proven beside the live database, is swapped in, and can be taken back."""
    home.invoke("backup", "backup-daily")
    execute(home.database, "DELETE FROM ledger")
    staged = home.invoke("restore", "restore-stage")
    assert all(check["passed"] for check in staged["checks"])
    assert rows(home.database, "SELECT count(*) FROM ledger") == [(0,)]
    promoted = home.invoke("restore", "restore-promote")
    assert promoted["backup_id"] == staged["backup_id"]
    assert require_bank(home.database) == 500
    undone = home.invoke("restore", "restore-undo")
    assert undone["restored"] == promoted["kept"]
    assert rows(home.database, "SELECT count(*) FROM ledger") == [(0,)]


def test_stage_takes_the_newest_backup_not_after_a_time(home: Home) -> None:
    """14:30 means the last backup before somebody's mistake at 14:35."""
    home.invoke("backup", "backup-daily")
    home.invoke("backup", {"tier": "hourly", "scope": "database", "scheduled_time": "2026-01-31T14:35:00Z"})
    assert home.invoke("restore", "restore-stage-at")["backup_id"] == "devops_hub_backup_20260131_020000"


@pytest.mark.parametrize("event", ["restore-config", "restore-all"])
def test_the_configuration_comes_back(home: Home, event: str) -> None:
    """With the database or without it."""
    home.invoke("backup", "backup-daily")
    (home.root / "docker-compose.yml").unlink()
    home.invoke("restore", event)
    promoted = home.invoke("restore", "restore-promote")
    assert (home.root / "docker-compose.yml").exists()
    assert (promoted["database"] is None) == (event == "restore-config")


def test_promote_of_what_is_in_use_needs_force(home: Home) -> None:
    """Another process has the database open: the swap waits until somebody says otherwise."""
    home.invoke("backup", "backup-daily")
    home.invoke("restore", "restore-stage")
    with holding_the_lock(home.database):
        home.printed()
        with pytest.raises(TargetInUse):
            home.invoke("restore", "restore-promote")
        assert home.metrics() == {"RestoreFailed": 1}
        forced = home.invoke("restore", "restore-promote-force")
    assert forced["forced_past"]


@pytest.mark.parametrize(
    ("event", "error"),
    [
        pytest.param("restore-stage", BackupNotFound, id="nothing to stage"),
        pytest.param("restore-promote", BackupNotFound, id="nothing staged"),
        pytest.param("restore-undo", BackupNotFound, id="nothing kept"),
        pytest.param({"action": "promote", "at": "2026-01-31T14:30:00Z"}, ConfigError, id="promote with a time"),
        pytest.param({"action": "plan", "backup": "../x"}, ConfigError, id="no backup id"),
    ],
)
def test_a_restore_that_cannot_be_changes_nothing(
    home: Home, event: str | dict[str, str], error: type[Exception]
) -> None:
    """The error escapes, is counted, and the database stays as it is."""
    before = home.database.read_bytes()
    with pytest.raises(error):
        home.invoke("restore", event)
    assert home.metrics() == {"RestoreFailed": 1}
    assert home.database.read_bytes() == before


class OtherRun(Unwatched):
    """Another run for the same time, from beginning to end, at the instant when this run begins a step."""

    def __init__(self, step: str, run: Callable[[], BackupReport]) -> None:
        """Wait for the step."""
        self._step, self._run = step, run
        self.report: BackupReport | None = None

    def started(self, step: str, _total_bytes: int | None) -> None:
        """Let the other one run, once."""
        if step == self._step and self.report is None:
            self.report = self._run()


@pytest.mark.parametrize("step", ["snapshot", "compress", "upload", "commit"])
@pytest.mark.parametrize("kind", ["s3", "directory"])
def test_two_runs_for_one_time_leave_one_backup_that_restores(home: Home, kind: str, step: str) -> None:
    """Wherever the runs overlap: one of them has created it, and manifest and archive belong together."""
    vault = open_vault(f"s3://{VAULT}/backups/" if kind == "s3" else str(home.root.parent / "vault"))
    request = BackupRequest(
        database=home.database,
        config_root=home.root,
        created_at=datetime(2026, 1, 31, 2, 5, tzinfo=UTC),
        host="test",
        tier=Tier.HOURLY,
        scope=Scope.DATABASE,
    )

    def other() -> BackupReport:
        execute(home.database, "DELETE FROM ledger WHERE id > 400")
        return back_up(request, vault)

    watcher = OtherRun(step, other)
    late = back_up(request, vault, watcher)
    assert watcher.report is not None
    assert (watcher.report.created, late.created) == (True, False)
    proven = drill(DrillRequest(select(vault, Choice()), datetime.now(UTC), 900))
    assert proven.failures == ()
    assert late.manifest == select(vault, Choice()).manifest


def _upload(home: Home, content: bytes) -> dict[str, Any]:
    """Upload a database to the inbox and return S3's event about it."""
    event: dict[str, Any] = json.loads((EVENTS / "ingest-object-created.json").read_text())
    key = event["detail"]["object"]["key"]
    stored = home.s3.put_object(Bucket=VAULT, Key=key, Body=content)
    event["detail"]["object"] |= {"version-id": stored["VersionId"], "size": len(content)}
    return event
