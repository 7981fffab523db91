"""The deployed app seen from an operator's machine: readiness, metrics for Prometheus, the page."""

from pathlib import Path

from localaws.demo.world import PRIMARY, RECOVERY, World
from tests.cli.command import Outcome, run_warm
from tests.e2e.watching import fire, forget_backups, subscribed_queue


def _sqlitevault(world: World, folder: Path, *arguments: str) -> Outcome:
    access = {name: value for name, value in world.aws.environment(PRIMARY).items() if name.startswith("AWS_")}
    places = {"BACKUP_DIR": f"s3://{world.vault}/backups/", "REPLICA_URI": f"s3://{world.replica}/backups/"}
    return run_warm(arguments, folder, {**access, **places})


def test_the_deployment_becomes_ready(quiet: World, tmp_path: Path) -> None:
    """The deployed app is ready after the operator's steps, which the failed lines name."""
    forget_backups(quiet)
    fire(quiet, "hourly")
    fire(quiet, "monitor")
    first = _sqlitevault(quiet, tmp_path, "readiness", "--json").require(14).document
    failed = {line["name"]: line["proof"] for line in first["lines"] if line["status"] == "failed"}
    assert failed.keys() <= {"alarms armed and delivering", "drill from the replica", "runbook tested"}
    assert {"drill from the replica", "runbook tested"} <= failed.keys()
    subscribed_queue(quiet)
    assert quiet.invoke("drill", {"backup": "latest"}, region=RECOVERY).error is None
    _sqlitevault(quiet, tmp_path, "readiness", "--runbook-tested", "region-lost").require(0)
    ready = _sqlitevault(quiet, tmp_path, "readiness", "--json").require(0).document
    assert {line["status"] for line in ready["lines"]} == {"ok"}, ready


def test_metrics_and_page_come_from_the_functions_reports(quiet: World, tmp_path: Path) -> None:
    """Metrics come from the monitor's report; the page, here and in the vault, from manifests and reports."""
    forget_backups(quiet)
    fire(quiet, "hourly")
    fire(quiet, "monitor")
    newest = quiet.last("backup").response["backup_id"]
    figures = _sqlitevault(quiet, tmp_path, "metrics", "--from-monitor", "--json").require(0).document
    assert figures["devops_hub_last_backup_success"] == 1
    assert figures["devops_hub_replica_last_backup_timestamp"] == figures["devops_hub_last_backup_timestamp"]
    assert figures["devops_hub_rows"] == sum(
        table["rows"] for table in quiet.last("backup").response["manifest"]["tables"]
    )
    _sqlitevault(quiet, tmp_path, "report").require(0)
    left = quiet.s3().get_object(Bucket=quiet.vault, Key="backups/reports/report.html")["Body"].read().decode()
    for page in ((tmp_path / "report.html").read_text(), left):
        assert newest in page
        assert "no data yet" not in page
