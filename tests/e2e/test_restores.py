"""Restores by the deployed functions, invoked as in the README: `aws lambda invoke --payload fileb://events/…`."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from localaws.demo.world import PRIMARY, RECOVERY, World
from sqlitevault.catalog.manifest import Manifest
from sqlitevault.database.content import read_tables
from tests.e2e.aws_command import ROOT, aws_lambda_invoke
from tests.e2e.watching import change, fire, forget_backups
from tests.trees import tree


@pytest.fixture
def backed_up(quiet: World) -> Iterator[World]:
    """A world with a fresh backup; files that a restore leaves beside the database are removed at the end."""
    forget_backups(quiet)
    fire(quiet, "hourly")
    assert quiet.last("drill").response["passed"]
    yield quiet
    for left in quiet.database.parent.glob(f"{quiet.database.name}.*"):
        if left.is_file():
            left.unlink()


def manifest(world: World) -> Manifest:
    """Return the manifest of the newest backup."""
    return Manifest.model_validate(world.last("backup").response["manifest"])


def same_content(database: Path, wanted: Manifest, scratch: Path) -> bool:
    """Return whether a database equals the newest backup, row for row."""
    copy = scratch / "copy.db"
    copy.write_bytes(database.read_bytes())
    return read_tables(copy) == wanted.tables


def test_a_plan_changes_nothing(backed_up: World) -> None:
    """A plan names the backup, the loss and the rows of each table before and after, and changes nothing."""
    change(backed_up, ["DELETE FROM workflows"])
    before = tree(backed_up.database.parent)
    error, planned = aws_lambda_invoke(backed_up, "restore", "restore-plan.json")
    assert error is None, planned
    assert planned["backup_id"] == manifest(backed_up).backup_id
    (workflows,) = [table for table in planned["tables"] if table["name"] == "workflows"]
    assert (workflows["rows_now"], workflows["rows_after"]) == (0, 18)
    assert tree(backed_up.database.parent) == before


def test_stage_promote_and_undo(backed_up: World, tmp_path: Path) -> None:
    """Stage and promote bring the lost rows back; undo returns to the state before."""
    change(backed_up, ["DELETE FROM workflow_executions"])
    staged_error, staged = aws_lambda_invoke(backed_up, "restore", "restore-stage.json")
    assert staged_error is None, staged
    assert all(check["passed"] for check in staged["checks"])
    error, promoted = aws_lambda_invoke(backed_up, "restore", "restore-promote.json")
    assert error is None, promoted
    assert Path(promoted["kept"]).exists()
    assert same_content(backed_up.database, manifest(backed_up), tmp_path)
    error, undone = aws_lambda_invoke(backed_up, "restore", "restore-undo.json")
    assert error is None, undone
    with closing(sqlite3.connect(backed_up.database)) as connection:
        assert connection.execute("SELECT count(*) FROM workflow_executions").fetchone() == (0,)


def test_a_lost_database_is_restored_and_writable(backed_up: World, tmp_path: Path) -> None:
    """Stage and promote restore a deleted database, and an application can write to it."""
    backed_up.database.unlink()
    for event in ("restore-stage.json", "restore-promote.json"):
        error, report = aws_lambda_invoke(backed_up, "restore", event)
        assert error is None, report
    assert same_content(backed_up.database, manifest(backed_up), tmp_path)
    change(backed_up, ["UPDATE agents SET status = 'restored'"])


def test_a_time_chooses_the_newest_backup_not_after_it(backed_up: World) -> None:
    """A time between two backups chooses the first."""
    first = manifest(backed_up)
    fire(backed_up, "hourly")
    second = manifest(backed_up)
    assert second.created_at > first.created_at
    answer = backed_up.invoke("restore", {"action": "plan", "at": first.created_at.isoformat()})
    assert answer.report["backup_id"] == first.backup_id
    too_early = (datetime.now(UTC) - timedelta(days=400)).isoformat()
    assert backed_up.invoke("restore", {"action": "plan", "at": too_early}).report["errorType"] == "BackupNotFound"


def test_a_promote_with_nothing_staged_is_refused(backed_up: World) -> None:
    """Promote without a staged backup is an error, and the live database stays as it is."""
    before = tree(backed_up.database.parent)
    error, report = aws_lambda_invoke(backed_up, "restore", "restore-promote.json")
    assert error == "Unhandled"
    assert report["errorType"] == "BackupNotFound"
    assert tree(backed_up.database.parent) == before


def test_the_recovery_region_restores_while_the_primary_is_gone(backed_up: World, tmp_path: Path) -> None:
    """With the primary region off, restore and drill work from the replica in the recovery region."""
    wanted = manifest(backed_up)
    backed_up.aws.control.switch_off([PRIMARY])
    for verb, event in (
        ("restore", "restore-plan.json"),
        ("restore", "restore-stage.json"),
        ("restore", "restore-promote.json"),
        ("drill", "drill-latest.json"),
    ):
        error, report = aws_lambda_invoke(backed_up, verb, event, region=RECOVERY)
        assert error is None, report
    assert report["backup_id"] == wanted.backup_id
    assert report["passed"]
    backed_up.aws.control.switch_off([])
    assert same_content(backed_up.recovery_database(), wanted, tmp_path)


def test_the_monthly_drill_in_the_recovery_region(backed_up: World) -> None:
    """The recovery region's schedule drills the newest backup from the replica."""
    backed_up.aws.control.fire("drill", region=RECOVERY)
    backed_up.aws.control.settle()
    drilled = backed_up.last("drill")
    assert (drilled.region, drilled.trigger, drilled.function_error) == (RECOVERY, "schedule", None)
    assert drilled.response["backup_id"] == manifest(backed_up).backup_id
    assert drilled.response["passed"]


def test_every_sample_event_is_valid(backed_up: World) -> None:
    """No sample event is refused for its form, though some name a backup or a time that does not exist here."""
    outcomes = {}
    for event in sorted(path.name for path in (ROOT / "events").glob("restore-*.json")):
        error, report = aws_lambda_invoke(backed_up, "restore", event)
        outcomes[event] = report["errorType"] if error else "done"
    done = {event for event, outcome in outcomes.items() if outcome == "done"}
    assert set(outcomes.values()) == {"done", "BackupNotFound"}, outcomes
    assert {"restore-plan.json", "restore-stage.json", "restore-all.json", "restore-promote.json"} <= done
