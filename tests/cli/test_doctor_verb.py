"""`sqlitevault doctor`: its findings as text and as JSON, without changing anything."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import PROGRAM, environment
from tests.cli.home import Home, tree
from tests.crashes import leave_hot_journal
from tests.databases import execute, make_bank
from tests.sessions import session

_NAMES = (
    "permissions", "file system", "journal mode", "synchronous", "SQLite version", "side files", "locks",
    "others' locks", "file times", "scratch space", "read speed", "writer stall", "backup time",
)  # fmt: skip


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_healthy_source(new_home: Home, mode: str) -> None:
    """Every finding has a line, in this order; the exit code is 0, and no file changes."""
    execute(new_home.database, f"PRAGMA journal_mode = {mode}")
    before = tree(new_home.root)
    shown = new_home.run("doctor").require(0).stdout
    lines = [line for line in shown.splitlines() if re.match(r"(ok|warning|PROBLEM) ", line)]
    assert all(f" {name} " in line for name, line in zip(_NAMES, lines, strict=True))
    assert "PROBLEM" not in shown
    assert tree(new_home.root) == before


def test_json_has_the_same_findings(new_home: Home) -> None:
    """With `--json`, stdout is one document and stderr is empty."""
    done = new_home.run("doctor", "--json").require(0)
    assert done.document["healthy"] is True
    assert tuple(finding["name"] for finding in done.document["findings"]) == _NAMES
    assert done.stderr == ""


def test_a_warning_is_not_a_failure(new_home: Home) -> None:
    """A hot journal is reported with a hint; backups work, so the exit code is 0."""
    leave_hot_journal(new_home.database)
    assert "hot journal" in new_home.run("doctor").require(0).stdout
    new_home.run("backup").require(0)


def test_a_problem_ends_with_12_after_the_whole_report(new_home: Home) -> None:
    """The log of another database is named in the error; the other findings are shown, and the JSON is one document."""
    other = make_bank(new_home.root / "other" / "b.db", journal_mode="wal")
    with session(other, "DELETE FROM ledger"):
        content = other.with_name("b.db-wal").read_bytes()
    new_home.database.with_name("devops_hub.db-wal").write_bytes(content)
    before = tree(new_home.root)
    done = new_home.run("doctor")
    done.require(12, "SourceUnsupported: 1 of 13 findings are problems: side files")
    assert "PROBLEM" in done.stdout
    assert "backup time" in done.stdout
    as_json = new_home.run("doctor", "--json").require(12)
    assert as_json.document["healthy"] is False
    assert tree(new_home.root) == before


def test_no_database_ends_with_10(new_home: Home) -> None:
    """A missing database ends with code 10, as for a backup."""
    new_home.database.unlink()
    new_home.run("doctor").require(10, "SourceNotFound")


def test_one_doctor_sees_the_lock_of_another(new_home: Home) -> None:
    """A doctor detects the lock of `doctor --hold`, as it would from another host; it does not block a writer."""
    assert "doctor --hold`" not in _others(new_home)
    settings = environment({"SCRATCH_DIR": str(new_home.scratch)})
    command: list[str | Path] = [PROGRAM, "doctor", "--hold", "30"]
    with subprocess.Popen(command, cwd=new_home.root, env=settings, stderr=subprocess.PIPE, text=True) as holding:
        assert holding.stderr is not None
        assert "run `sqlitevault doctor` on the other host now" in holding.stderr.readline()
        holding.stderr.readline()  # this line is printed after the lock is taken
        assert "another `sqlitevault doctor --hold`" in _others(new_home)
        execute(new_home.database, "DELETE FROM ledger")
        holding.terminate()
    assert "another `sqlitevault doctor --hold`" not in _others(new_home)


def _others(home: Home) -> str:
    findings = home.run("doctor", "--json").require(0).document["findings"]
    return str(next(finding["detail"] for finding in findings if finding["name"] == "others' locks"))


def test_a_hold_beyond_ten_minutes_is_refused(new_home: Home) -> None:
    """`--hold` takes at most ten minutes, so that a forgotten one ends soon."""
    assert new_home.run("doctor", "--hold", "601").code == 2
