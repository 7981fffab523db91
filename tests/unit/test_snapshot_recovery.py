"""Tests of recovery of a copy into one sound file."""

import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from sqlitevault.ground.errors import SourceCorrupt
from sqlitevault.snapshot.attempt import Copied
from sqlitevault.snapshot.fresh import beside
from sqlitevault.snapshot.working_copy import settle
from tests.crashes import leave_hot_journal, leave_log
from tests.databases import make_bank, require_bank


def _copy_all(source: Path, folder: Path) -> Path:
    folder.mkdir()
    for suffix in ("", "-journal", "-wal"):
        if beside(source, suffix).exists():
            shutil.copyfile(beside(source, suffix), beside(folder / "database", suffix))
    return folder / "database"


def test_a_sound_file_is_not_changed(tmp_path: Path) -> None:
    """A copy in rollback mode that needs no recovery stays identical."""
    bank = make_bank(tmp_path / "a.db")
    copy = _copy_all(bank, tmp_path / "copy")
    settle(copy, Copied())
    assert copy.read_bytes() == bank.read_bytes()


def test_a_wal_database_is_put_in_rollback_mode(tmp_path: Path) -> None:
    """Two bytes change, so the copy opens without a log or shared memory."""
    bank = make_bank(tmp_path / "a.db", journal_mode="wal")
    copy = _copy_all(bank, tmp_path / "copy")
    settle(copy, Copied())
    before, after = bank.read_bytes(), copy.read_bytes()
    assert (before[18:20], after[18:20]) == (b"\2\2", b"\1\1")
    assert (before[:18], before[20:]) == (after[:18], after[20:])


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_copy_of_a_crashed_database_is_recovered(tmp_path: Path, mode: str) -> None:
    """One file remains, with every commit and nothing else."""
    bank = make_bank(tmp_path / "a.db", journal_mode=mode)
    leave_log(bank) if mode == "wal" else leave_hot_journal(bank)
    copy = _copy_all(bank, tmp_path / "copy")
    settle(copy, Copied(hot_journal=mode == "delete", wal_frames=1 if mode == "wal" else 0))
    assert [path.name for path in copy.parent.iterdir()] == ["database"]
    assert require_bank(copy) == (501 if mode == "wal" else 500)


def test_an_unreadable_schema_is_copied(tmp_path: Path) -> None:
    """Damaged databases and those of a newer SQLite are copied, and their content is checked later."""
    bank = tmp_path / "a.db"
    with closing(apsw.Connection(str(bank))) as connection:
        connection.execute("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)").fetchall()
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE t (from the future('")
        copy = _copy_all(bank, tmp_path / "copy")
    assert beside(copy, "-wal").stat().st_size
    settle(copy, Copied(wal_frames=1))
    assert b"from the future" in copy.read_bytes()


def test_a_journal_that_undoes_everything(tmp_path: Path) -> None:
    """After a crash in the transaction that created the database, the copy is empty and refused."""
    copy = tmp_path / "database"
    copy.write_bytes(b"")
    with pytest.raises(SourceCorrupt, match="empty"):
        settle(copy, Copied())


def test_a_file_that_sqlite_refuses(tmp_path: Path) -> None:
    """SQLite's error is raised as SourceCorrupt."""
    copy = tmp_path / "database"
    copy.write_bytes(b"no database" * 1000)
    with pytest.raises(SourceCorrupt, match="recover"):
        settle(copy, Copied(wal_frames=1))
