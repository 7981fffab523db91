"""Tests of a kind of vault that is registered by one line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sqlitevault.cli import main
from sqlitevault.vault.opening import KINDS
from tests.contract.memory import KIND, memory_at
from tests.databases import execute, make_bank, rows

LOCATION = "memory://a-new-kind/"
LEDGER = "SELECT * FROM ledger ORDER BY rowid"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Run":
    """A command line for a small database, with the in-memory kind registered."""
    monkeypatch.setattr("sqlitevault.vault.opening.KINDS", KINDS | KIND)
    database = make_bank(tmp_path / "data" / "bank.db")
    for name, value in {"DATABASE_PATH": database, "CONFIG_ROOT": tmp_path, "BACKUP_DIR": LOCATION}.items():
        monkeypatch.setenv(name, str(value))
    return Run(database)


class Run:
    """Runs verbs of the command line in this process."""

    def __init__(self, database: Path) -> None:
        """Set the database."""
        self.database = database

    def __call__(self, *arguments: str) -> Any:
        """Run a verb that must succeed, and return its output."""
        done = CliRunner().invoke(main, [*arguments, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


def test_a_kind_registered_by_one_line_is_a_vault(run: Run) -> None:
    """Backup with proof, list, readiness, metrics and restore work with a vault of any registered kind."""
    before = rows(run.database, LEDGER)
    taken = run("backup")
    assert taken["pruned"] == {"removed": [], "unfinished": []}
    archive = taken["archive"]
    assert archive in memory_at(LOCATION).objects
    assert [backup["backup_id"] for backup in run("list")] == [taken["backup_id"]]
    run("metrics")
    execute(run.database, "DELETE FROM ledger")
    run("restore", LOCATION + archive, "--yes")
    assert rows(run.database, LEDGER) == before
