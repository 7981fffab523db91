"""The restore function with single tables, one action at a time; S3 is simulated by moto."""

from pathlib import Path

import pytest

from sqlitevault.ground.errors import BackupNotFound
from tests.databases import execute, rows
from tests.function_calls import Home

DAILY = "devops_hub_backup_20260131_020000"


@pytest.fixture
def home(functions_home: Home) -> Home:
    """A database with a table `events` that lost two rows and gained one after the daily backup."""
    execute(
        functions_home.database,
        "CREATE TABLE events (id INTEGER PRIMARY KEY, data TEXT)",
        "INSERT INTO events VALUES (1, 'one'), (2, 'two'), (3, 'three')",
    )
    functions_home.invoke("backup", "backup-daily")
    execute(functions_home.database, "DELETE FROM events WHERE id < 3", "INSERT INTO events VALUES (4, 'four')")
    return functions_home


def test_plan_stage_and_promote_of_a_table(home: Home) -> None:
    """A table is counted, staged beside the live database and merged by key: deleted rows return, the new one stays."""
    before = home.database.read_bytes()
    planned = home.invoke("restore", "restore-table-plan")
    assert (planned["backup_id"], planned["tables"][0]["deleted_rows"]) == (DAILY, 2)
    staged = home.invoke("restore", "restore-table")
    assert rows(Path(staged["side_database"]), "SELECT count(*) FROM events") == [(3,)]
    assert home.database.read_bytes() == before
    merged = home.invoke("restore", "restore-table-merge")
    assert (merged["backup_id"], merged["rows_written"]) == (DAILY, {"events": 2})
    assert rows(home.database, "SELECT group_concat(data) FROM events") == [("one,two,three,four",)]
    assert rows(Path(merged["kept"]), "SELECT group_concat(data) FROM events") == [("three,four",)]
    assert not Path(staged["side_database"]).exists()


def test_several_tables_at_once(home: Home) -> None:
    """`table` can be a list of tables."""
    home.invoke("restore", {"action": "stage", "table": ["events", "api_keys"], "backup": DAILY})
    merged = home.invoke("restore", {"action": "promote", "table": ["events", "api_keys"], "backup": DAILY})
    assert merged["rows_written"] == {"events": 2, "api_keys": 0}


def test_a_table_must_be_staged_before_it_is_promoted(home: Home) -> None:
    """Promote refuses a table that was not staged."""
    with pytest.raises(BackupNotFound, match="nothing is staged beside"):
        home.invoke("restore", "restore-table-merge")
