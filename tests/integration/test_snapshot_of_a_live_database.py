"""Snapshots while real processes write, crash and restart."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sqlitevault.snapshot import SnapshotOptions, take_snapshot
from tests.databases import make_bank, require_bank, writer
from tests.sessions import session

_BASE = SnapshotOptions(quiet_seconds=0.02, pause_seconds=0.02)
_EACH_METHOD = {
    "rollback-locked": ("delete", replace(_BASE, optimistic_attempts=0)),
    "wal-pinned": ("wal", replace(_BASE, pin_attempts=50)),  # a busy machine may need more than usual
    "wal-lock-free": ("wal", replace(_BASE, pin_attempts=0)),
}


@pytest.mark.parametrize("method", _EACH_METHOD)
def test_every_copy_of_a_busy_database_is_consistent(tmp_path: Path, method: str) -> None:
    """While a process commits constantly, ten copies by each method are consistent, each newer than the last."""
    mode, options = _EACH_METHOD[method]
    bank = make_bank(tmp_path / "a.db", journal_mode=mode)
    entries = [0]
    with writer(bank):
        for number in range(10):
            copy = tmp_path / f"copy{number}.db"
            assert take_snapshot(bank, copy, options).method == method
            entries.append(require_bank(copy))
    assert entries == sorted(entries)


def test_the_optimistic_copy_waits_for_a_quiet_moment(tmp_path: Path) -> None:
    """The optimistic method copies without locks when a writer pauses between commits."""
    bank = make_bank(tmp_path / "a.db")
    steps: list[str] = []

    with session(bank, timeout=5) as application:

        def commit_during_the_first_two(step: str) -> None:
            steps.append(step)
            if step == "database-copied" and steps.count(step) <= 2:
                application.run("INSERT INTO ledger(note) VALUES ('new')")

        options = replace(_BASE, locked_attempts=0, on_step=commit_during_the_first_two)
        result = take_snapshot(bank, tmp_path / "copy.db", options)
    assert (result.method, result.attempts) == ("rollback-optimistic", 3)
    assert require_bank(tmp_path / "copy.db") == 502


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_larger_than_one_gibibyte(tmp_path: Path, mode: str) -> None:
    """SQLite's lock bytes lie on a page at 1 GiB, which holds no data; commits beyond it are in the copy."""
    source, copy = tmp_path / "a.db", tmp_path / "copy.db"
    half = "INSERT INTO t VALUES (zeroblob(560000000))"
    prepare = (
        "PRAGMA page_size = 65536",
        "PRAGMA journal_mode = OFF",
        "PRAGMA synchronous = OFF",
        "CREATE TABLE t (x)",
    )
    with session(source, *prepare, half, half):
        pass
    with session(source, f"PRAGMA journal_mode = {mode}", "INSERT INTO t VALUES (zeroblob(300000))"):
        take_snapshot(source, copy)
    assert copy.stat().st_size > 1 << 30
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT length(x) FROM t").fetchall() == [(560000000,), (560000000,), (300000,)]
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
