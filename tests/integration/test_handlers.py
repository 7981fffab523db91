"""Backup, ingest, drill and monitor as Lambda calls them; S3 is moto's."""

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
    """Archive and manifest are in the tier's folder, the report is kept, and the metrics say how much and how long."""
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


def test_every_line_of_the_log_bears_the_request_id(home: Home) -> None:
    """The report is one JSON line; the error of a drill comes with the report that explains it."""
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
    """It need not imitate the parts of Lambda's context that only the log uses."""

    class Caller:
        function_name = "script"

    answer = import_module("backup.handler").handler({"tier": "manual", "scope": "database"}, Caller())
    assert answer["manifest"]["source"]["host"] == "script"
    assert home.logged()[-1]["message"] == "BackupReport"


def test_the_report_in_the_vault_is_the_one_returned(home: Home) -> None:
    """An asynchronous invocation discards the answer; a repeated event leaves the report as it was."""
    report = home.invoke("backup", "backup-daily")
    key = f"backups/reports/backups/{report['backup_id']}.json"
    assert json.loads(home.s3.get_object(Bucket=VAULT, Key=key)["Body"].read()) == report
    assert home.invoke("backup", "backup-daily")["steps"] == {}
    assert json.loads(home.s3.get_object(Bucket=VAULT, Key=key)["Body"].read()) == report
    assert home.invoke("drill", "drill-latest")["backup_id"] == report["backup_id"]


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


def test_the_monitor_tells_a_loss_whoever_took_the_backup(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup by hand came first: no function told; the next one must not hide it; the limits are as set."""
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


def test_the_doctor_examines_from_where_backups_run(home: Home) -> None:
    """The report is the answer; nothing is backed up, and no metric says that something was."""
    report = home.invoke("backup", "doctor")
    assert (report["healthy"], report["source"]) == (True, str(home.database))
    assert any(" of 900 s" in finding["detail"] for finding in report["findings"])
    assert home.names() == []
    assert home.metrics() == {}


def test_an_upload_becomes_a_backup_that_names_it(home: Home) -> None:
    """The version that the event names, under the time of its upload; the working copy's path is nowhere."""
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


def test_the_uploaded_version_counts_not_the_newest(home: Home) -> None:
    """What was uploaded over it meanwhile has an event of its own."""
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
def test_an_upload_that_is_no_backup_fails_loudly(home: Home, content: bytes | None, error: type[Exception]) -> None:
    """Nothing is committed, and it counts as a failed backup."""
    event = home.upload(content) if content else "ingest-object-created"
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


def test_drill_and_monitor_leave_a_page_in_the_vault(home: Home) -> None:
    """It is made anew each time, by a drill that fails too, and shows readiness and the drills."""
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


def test_a_drill_with_a_wrong_question_is_recorded_and_loud(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is proven, and no failed drill; the setting is named in the error of the function, which alarms."""
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
    """There the vault is the replica itself: the report has a name that replication never writes over."""
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
    """An empty vault proves nothing."""
    with pytest.raises(BackupNotFound):
        home.invoke("drill", "drill-latest")
    assert home.metrics() == {"DrillFailed": 1}


def test_monitor_measures_ages_and_what_is_missing(home: Home) -> None:
    """A proven backup has an age; an empty replica has none, since missing data is what its alarm is for."""
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


def test_a_backup_of_the_future_is_told_and_does_not_count(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that was a year ahead: the RPO's alarms and the tiers look at the backups before it."""
    late = replace(site_of("backup"), now=lambda: datetime.now(UTC) + timedelta(days=365))
    monkeypatch.setattr("backup.handler.site_of", lambda _name: late)
    ahead = home.invoke("backup", {"tier": "daily"})["backup_id"]
    home.invoke("drill", {"backup": ahead})
    home.printed()
    report = home.invoke("monitor", "monitor")
    assert f"{ahead} is dated in the future and does not count" in report["problems"]
    assert not any("Age" in name for name in home.metrics())
    assert report["vault"]["newest"] is report["vault"]["proven"] is None


def test_monitor_finds_an_archive_that_was_written_over(home: Home) -> None:
    """Proven an hour ago, rubbish now: the listing tells, long before anybody drills it again."""
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


def test_monitor_of_empty_vaults_reports_no_ages(home: Home) -> None:
    """It does not fail: what is wrong shows in metrics and report."""
    report = home.invoke("monitor", "monitor")
    metrics = home.metrics()
    assert metrics["MissingTiers"] == 4
    assert not any("Age" in name for name in metrics)
    assert len(report["missing_tiers"]) == 4
