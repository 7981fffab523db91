"""The restore function, one action at a time; S3 is simulated by moto."""

import pytest

from sqlitevault.ground.errors import BackupNotFound, ConfigError, TargetInUse
from tests.databases import execute, holding_the_lock, require_bank, rows
from tests.function_calls import Home


@pytest.fixture
def home(functions_home: Home) -> Home:
    """The database, the buckets and the functions."""
    return functions_home


def test_plan_changes_nothing(home: Home) -> None:
    """A plan names the backup and the loss, and changes nothing."""
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
    """A backup is staged and proven beside the live database, swapped in, and undone, with one event each."""
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
    """With a time, stage uses the newest backup that is not later."""
    home.invoke("backup", "backup-daily")
    home.invoke("backup", {"tier": "hourly", "scope": "database", "scheduled_time": "2026-01-31T14:35:00Z"})
    assert home.invoke("restore", "restore-stage-at")["backup_id"] == "devops_hub_backup_20260131_020000"


@pytest.mark.parametrize("event", ["restore-config", "restore-all"])
def test_the_configuration_is_restored(home: Home, event: str) -> None:
    """The configuration is restored with the database or without it."""
    home.invoke("backup", "backup-daily")
    (home.root / "docker-compose.yml").unlink()
    home.invoke("restore", event)
    promoted = home.invoke("restore", "restore-promote")
    assert (home.root / "docker-compose.yml").exists()
    assert (promoted["database"] is None) == (event == "restore-config")


def test_promote_of_a_database_in_use_needs_force(home: Home) -> None:
    """While another process has the database open, promote is refused unless the event forces it."""
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
def test_a_failed_restore_changes_nothing(home: Home, event: str | dict[str, str], error: type[Exception]) -> None:
    """A failed restore raises and is counted, and the database stays as it is."""
    before = home.database.read_bytes()
    with pytest.raises(error):
        home.invoke("restore", event)
    assert home.metrics() == {"RestoreFailed": 1}
    assert home.database.read_bytes() == before
