"""Backup, ingest, drill and monitor as Lambda calls them; S3 is simulated by moto."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest

from localaws.emf import parse_lines
from sqlitevault.ground.errors import BackupNotFound, ConfigError, DrillFailed, SourceCorrupt, SourceNotFound
from sqlitevault.site import site_of
from tests.databases import execute
from tests.function_calls import REQUEST, VAULT, Home

HOURLY = "devops_hub_backup_20260131_020500"
MORNING = "devops_hub_backup_20260131_020000"


@pytest.fixture
def home(functions_home: Home) -> Home:
    """The database, the buckets and the functions."""
    return functions_home


def test_backup_backs_up_and_counts_it(home: Home) -> None:
    """A backup stores archive and manifest in the tier's folder, stores its report, and emits sizes and times."""
    report = home.invoke("backup", "backup-hourly")
    assert report["created"] is True
    assert home.names() == [
        f"backups/hourly/devops_hub/{HOURLY}.tar.gz",
        f"backups/hourly/devops_hub/{HOURLY}.tar.gz.manifest.json",
        f"backups/reports/backups/{HOURLY}.json",
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


def test_every_line_of_the_log_has_the_request_id(home: Home) -> None:
    """Each function logs its report as one JSON line with the request id, a failed drill too."""
    damaged = home.invoke("backup", "backup-hourly")
    home.damage(damaged["archive"])
    with pytest.raises(DrillFailed):
        home.invoke("drill", {"backup": HOURLY})
    home.invoke("monitor", "monitor")
    home.invoke("restore", {"action": "plan", "backup": HOURLY, "scope": "database"})
    logged = home.logged()
    assert [line["message"] for line in logged] == ["BackupReport", "DrillReport", "MonitorReport", "RestorePlan"]
    assert {line["function_request_id"] for line in logged} == {REQUEST}
    assert logged[0]["report"]["steps"].keys() >= {"snapshot", "upload", "commit"}
    assert logged[1]["report"]["passed"] is False


def test_a_program_other_than_lambda_can_call_a_handler(home: Home) -> None:
    """A caller need not imitate the parts of Lambda's context that only the log uses."""

    class Caller:
        function_name = "script"

    answer = import_module("backup.handler").handler({"tier": "manual", "scope": "database"}, Caller())
    assert answer["manifest"]["source"]["host"] == "script"
    assert home.logged()[-1]["message"] == "BackupReport"


def test_the_report_in_the_vault_is_the_one_returned(home: Home) -> None:
    """The vault holds the report that an asynchronous invocation discards; a repeated event leaves it unchanged."""
    report = home.invoke("backup", "backup-daily")
    key = f"backups/reports/backups/{report['backup_id']}.json"
    assert json.loads(home.s3.get_object(Bucket=VAULT, Key=key)["Body"].read()) == report
    assert home.invoke("backup", "backup-daily")["steps"] == {}
    assert json.loads(home.s3.get_object(Bucket=VAULT, Key=key)["Body"].read()) == report
    assert home.invoke("drill", "drill-latest")["backup_id"] == report["backup_id"]


def test_the_same_scheduled_time_twice_makes_one_backup(home: Home) -> None:
    """A repeated delivery returns the existing backup, and counts as a success."""
    first = home.invoke("backup", "backup-hourly")
    before = home.s3.list_object_versions(Bucket=VAULT)["Versions"]
    execute(home.database, "DELETE FROM ledger")
    again = home.invoke("backup", "backup-hourly")
    assert (again["created"], again["backup_id"]) == (False, first["backup_id"])
    assert again["manifest"] == first["manifest"]
    assert home.s3.list_object_versions(Bucket=VAULT)["Versions"] == before
    assert home.metrics()["BackupSucceeded"] == 1


def test_the_next_backup_measures_lost_rows(home: Home) -> None:
    """A backup emits the metric for the mass-deletion alarm: the largest loss of a table since the backup before."""
    home.invoke("backup", "backup-hourly")
    execute(home.database, "DELETE FROM ledger WHERE id <= 250")
    home.printed()
    home.invoke("backup", {"tier": "hourly", "scope": "database", "scheduled_time": "2026-01-31T03:05:00Z"})
    metrics = home.metrics()
    assert metrics["LargestTableLossPercent"] == 50
    assert "DatabaseChangePercent" in metrics


def test_the_monitor_reports_a_loss_before_a_manual_backup(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The monitor reports lost rows even if manual and later backups follow; MASS_DELETION_ROWS is its limit."""
    home.invoke("backup", "backup-hourly")
    execute(home.database, "DELETE FROM ledger WHERE id <= 250")
    for hour in (3, 4):
        home.invoke("backup", {"scope": "database", "scheduled_time": f"2026-01-31T0{hour}:05:00Z"})
    home.printed()
    report = home.invoke("monitor", "monitor")
    metrics = home.metrics()
    assert (metrics["LargestTableLossPercent"], metrics["DatabaseChangePercent"]) == (50, 0)
    assert f"ledger has 250 fewer rows (50 %) than in {HOURLY}" in report["problems"]
    monkeypatch.setenv("MASS_DELETION_ROWS", "251")
    site_of.cache_clear()
    home.invoke("monitor", "monitor")
    assert home.metrics()["LargestTableLossPercent"] == 0


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
def test_the_event_decides_tier_and_scope(home: Home, event: str, folder: str, holds: set[str]) -> None:
    """The event's tier decides the folder of a backup, its scope the content."""
    report = home.invoke("backup", event)
    assert report["archive"].startswith(f"{folder}/devops_hub/devops_hub_backup_")
    paths = {file["path"] for file in report["manifest"]["files"]}
    assert ("devops_hub.db" in paths) == ("database" in holds)
    assert "config/docker-compose.yml" in paths


def test_a_failed_backup_raises_and_is_counted(home: Home) -> None:
    """A failed backup raises, which Lambda's retries need; metric, error code and hint are emitted."""
    home.database.unlink()
    with pytest.raises(SourceNotFound):
        home.invoke("backup", "backup-hourly")
    printed = home.printed()
    assert {d.name: d.values for d in parse_lines(printed.splitlines())} == {"BackupFailed": (1.0,)}
    logged = [json.loads(line) for line in printed.splitlines() if "error_code" in line]
    assert [line["error_code"] for line in logged] == ["SourceNotFound"]
    assert logged[0]["hint"]
    assert home.names() == []


def test_a_refused_event_is_counted(home: Home) -> None:
    """An event with a misspelt field is refused and counts as a failed backup."""
    with pytest.raises(ConfigError, match="teir: "):
        home.invoke("backup", {"teir": "hourly"})
    assert home.metrics() == {"BackupFailed": 1}


def test_the_backup_function_runs_the_doctor(home: Home) -> None:
    """An event for the doctor returns its report; no backup is taken, and no metric is emitted."""
    report = home.invoke("backup", "doctor")
    assert (report["healthy"], report["source"]) == (True, str(home.database))
    assert any(" of 900 s" in finding["detail"] for finding in report["findings"])
    assert home.names() == []
    assert home.metrics() == {}


def test_an_upload_becomes_a_backup_that_names_it(home: Home) -> None:
    """An upload becomes a backup named by the time of the upload, with the object's URI as source."""
    uploaded = home.upload(home.database.read_bytes())
    report = home.invoke("ingest", uploaded)
    assert report["archive"] == "manual/devops_hub/devops_hub_backup_20260131_093000.tar.gz"
    assert report["manifest"]["source"] == {
        "name": "devops_hub",
        "path": f"s3://{VAULT}/inbox/devops_hub.db",
        "host": "sqlitevault-prod-ingest",
    }
    assert home.metrics()["BackupSucceeded"] == 1
    assert home.invoke("ingest", uploaded)["created"] is False


def test_the_version_of_the_event_is_ingested_not_the_newest(home: Home) -> None:
    """Ingest reads the version that the event names, even if the object was overwritten since."""
    uploaded = home.upload(home.database.read_bytes())
    home.upload(b"something else")
    assert sum(table["rows"] for table in home.invoke("ingest", uploaded)["manifest"]["tables"]) == 551


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"no database" * 500, SourceCorrupt, id="no database"),
        pytest.param(None, BackupNotFound, id="gone meanwhile"),
    ],
)
def test_an_unusable_upload_is_a_failed_backup(home: Home, content: bytes | None, error: type[Exception]) -> None:
    """An upload that is not a database, or is gone, raises, counts as a failed backup, and commits nothing."""
    event = home.upload(content) if content else "ingest-object-created"
    with pytest.raises(error):
        home.invoke("ingest", event)
    assert home.metrics() == {"BackupFailed": 1}
    assert home.names(".manifest.json") == []


def test_a_new_manifest_is_drilled(home: Home) -> None:
    """A new manifest starts a drill, which stores its report and emits the recovery time."""
    home.invoke("backup", "backup-daily")
    home.printed()
    report = home.invoke("drill", "drill-manifest-created")
    assert (report["passed"], report["backup_id"]) == (True, "devops_hub_backup_20260131_020000")
    assert "backups/reports/drills/devops_hub_backup_20260131_020000.json" in home.names()
    metrics = home.metrics()
    assert (metrics["DrillSucceeded"], metrics["DrillFailed"]) == (1, 0)
    assert metrics["RecoverySeconds"] == report["recovery_seconds"]


@pytest.mark.parametrize("event", ["drill-latest", "drill-one"])
def test_a_drill_on_request(home: Home, event: str) -> None:
    """An event drills the newest backup or the named one."""
    home.invoke("backup", "backup-daily")
    assert home.invoke("drill", event)["backup_id"] == "devops_hub_backup_20260131_020000"


def test_a_damaged_archive_fails_its_drill_and_is_skipped(home: Home) -> None:
    """A failed drill raises and is counted once; the plan then uses the backup before it."""
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


def test_drill_and_monitor_write_the_page(home: Home) -> None:
    """Each drill, passed or failed, and each monitor run rewrites the page in the vault with readiness and drills."""
    taken = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    backup = home.invoke("backup", {"tier": "hourly", "scope": "database", "scheduled_time": taken})
    home.invoke("drill", {"backup": backup["backup_id"]})
    drilled = home.page()
    assert backup["backup_id"] in drilled
    assert "passed" in drilled
    assert "the monitor has written no report" in drilled
    home.invoke("monitor", "monitor")
    monitored = home.page()
    assert "the monitor has written no report" not in monitored
    assert backup["backup_id"] in monitored
    home.damage(backup["archive"])
    with pytest.raises(DrillFailed):
        home.invoke("drill", {"backup": backup["backup_id"]})
    assert 'class="long failed"' in home.page()


def test_a_drill_with_an_invalid_own_check_is_recorded_and_raises(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an invalid DRILL_SQL the backup is proven; the function's error, which raises an alarm, names it."""
    home.invoke("backup", "backup-daily")
    home.printed()
    monkeypatch.setenv("DRILL_SQL", "no SQL => 1")
    site_of.cache_clear()
    with pytest.raises(ConfigError, match="no SQL"):
        home.invoke("drill", "drill-latest")
    metrics = home.metrics()
    assert (metrics["DrillSucceeded"], metrics["DrillFailed"]) == (1, 0)
    assert "backups/reports/drills/devops_hub_backup_20260131_020000.json" in home.names()


def test_a_drill_in_the_recovery_region_leaves_the_vaults_report(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the recovery region the drill's report has its own name, which replication never overwrites."""
    home.invoke("backup", "backup-daily")
    monkeypatch.setenv("REPLICA_URI", os.environ["BACKUP_DIR"].removesuffix("/"))
    site_of.cache_clear()
    assert home.invoke("drill", "drill-latest")["passed"]
    assert site_of().replica is None
    (of_backup, report) = home.names(f"{MORNING}.json")
    assert of_backup == f"backups/reports/backups/{MORNING}.json"
    assert report == f"backups/reports/replica-drills/{MORNING}.json"
    assert home.names("report.html") == []


def test_a_drill_without_a_backup_is_a_failed_drill(home: Home) -> None:
    """A drill of an empty vault raises and counts as failed."""
    with pytest.raises(BackupNotFound):
        home.invoke("drill", "drill-latest")
    assert home.metrics() == {"DrillFailed": 1}


def test_the_monitor_measures_ages_and_missing_copies(home: Home) -> None:
    """The monitor emits the age of a proven backup, and none for an empty replica: its alarm fires on missing data."""
    taken = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    backup = home.invoke("backup", {"tier": "hourly", "scope": "database", "scheduled_time": taken})
    drilled = home.invoke("drill", {"backup": backup["backup_id"]})
    home.printed()
    report = home.invoke("monitor", "monitor")
    metrics = home.metrics()
    assert metrics["RecoverySeconds"] == drilled["recovery_seconds"]
    assert metrics["ProvenBackupAgeSeconds"] == metrics["BackupAgeSeconds"] >= 600
    assert "ReplicaAgeSeconds" not in metrics
    assert metrics["MissingTiers"] == metrics["ReplicationFailed"] == metrics["VaultDrift"] == 0
    assert len(report["unreplicated"]) == 2
    assert report["problems"]
    assert "backups/reports/monitor/latest.json" in home.names()


def test_a_backup_of_the_future_is_reported_and_does_not_count(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup dated in the future is reported; ages and tiers ignore it."""
    late = replace(site_of("backup"), now=lambda: datetime.now(UTC) + timedelta(days=365))
    monkeypatch.setattr("backup.handler.site_of", lambda _name: late)
    ahead = home.invoke("backup", {"tier": "daily"})["backup_id"]
    home.invoke("drill", {"backup": ahead})
    home.printed()
    report = home.invoke("monitor", "monitor")
    assert f"{ahead} is dated in the future and does not count" in report["problems"]
    assert not any("Age" in name for name in home.metrics())
    assert report["vault"]["newest"] is report["vault"]["proven"] is None


def test_the_monitor_detects_an_overwritten_archive(home: Home) -> None:
    """A proven backup whose archive was overwritten is in doubt at the next monitor run, without another drill."""
    taken = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    backup = home.invoke("backup", {"tier": "hourly", "scope": "database", "scheduled_time": taken})
    home.invoke("drill", {"backup": backup["backup_id"]})
    assert home.invoke("monitor", "monitor")["vault"]["proven"] is not None
    home.s3.put_object(Bucket=VAULT, Key=f"backups/{backup['archive']}", Body=b"rubbish")
    report = home.invoke("monitor", "monitor")
    assert report["vault"]["proven"] is None
    assert any(problem.startswith(f"{backup['backup_id']} is in doubt: ") for problem in report["problems"])
    plan = home.invoke("restore", "restore-plan")
    assert plan["backup_id"] == backup["backup_id"]
    assert "its other copies are tried" in plan["reason"]
    assert plan["repairs"]


def test_the_monitor_of_empty_vaults_reports_no_ages(home: Home) -> None:
    """With empty vaults the monitor does not fail; metrics and report show the missing tiers."""
    report = home.invoke("monitor", "monitor")
    metrics = home.metrics()
    assert metrics["MissingTiers"] == 4
    assert not any("Age" in name for name in metrics)
    assert len(report["missing_tiers"]) == 4
