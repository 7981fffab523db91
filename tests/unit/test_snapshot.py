"""Tests of snapshots as callers see them."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sqlitevault.ground.errors import ScratchFull, SourceBusy, SourceCorrupt, SourceNotFound, TargetExists
from sqlitevault.snapshot import Method, SnapshotOptions, take_snapshot
from tests.crashes import leave_hot_journal, leave_log
from tests.databases import execute, holding_the_lock, make_bank, require_bank
from tests.sessions import session

_QUICK = SnapshotOptions(timeout_seconds=0.3, quiet_seconds=0.02, pause_seconds=0.01)


def _taken(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("mode", ["delete", "truncate", "persist", "wal"])
def test_the_result_describes_the_snapshot(tmp_path: Path, mode: str) -> None:
    """The result has the facts for the manifest, and the copy is one file in rollback mode."""
    bank = make_bank(tmp_path / "live" / "a.db", journal_mode=mode)
    copy = tmp_path / "copies" / "copy.db"
    copy.parent.mkdir()
    result = take_snapshot(bank, copy)
    assert require_bank(copy) == 500
    assert _taken(copy.parent) == ["copy.db"]
    assert copy.read_bytes()[18:20] == b"\1\1"
    assert result.journal_mode == ("wal" if mode == "wal" else "rollback")
    assert result.method in list(Method)
    assert (result.attempts, result.recovered) == (1, False)
    assert result.seconds > result.writer_stall_seconds == 0


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("page_size", [512, 1024, 2048, 8192, 16384, 32768, 65536])
def test_every_page_size(tmp_path: Path, page_size: int, mode: str) -> None:
    """Page sizes from 512 to 65536 are copied, in WAL mode with commits in the log."""
    source = tmp_path / "a.db"
    prepare = (f"PRAGMA page_size = {page_size}", f"PRAGMA journal_mode = {mode}", "CREATE TABLE t (x)")
    with session(source, *prepare, "INSERT INTO t VALUES (zeroblob(300000))"):
        take_snapshot(source, tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (page_size,)
        assert connection.execute("SELECT length(x) FROM t").fetchone() == (300000,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_recovery_of_a_crashed_writer_is_recorded(tmp_path: Path, mode: str) -> None:
    """The result says that a crashed writer's transaction was recovered."""
    bank = make_bank(tmp_path / "a.db", journal_mode=mode)
    leave_log(bank) if mode == "wal" else leave_hot_journal(bank)
    assert take_snapshot(bank, tmp_path / "copy.db").recovered
    require_bank(tmp_path / "copy.db")


def test_every_byte_is_reported_once(tmp_path: Path) -> None:
    """Progress adds up to the database's size even if an attempt failed."""
    bank = make_bank(tmp_path / "a.db", rows=5000)
    seen: list[str] = []

    def write_once(step: str) -> None:
        seen.append(step)
        if seen.count("database-copied") == 1 and step == "database-copied":
            execute(bank, "UPDATE accounts SET balance = -balance WHERE id = 1")

    reported: list[int] = []
    options = replace(_QUICK, timeout_seconds=10, chunk_bytes=8192, on_step=write_once)
    result = take_snapshot(bank, tmp_path / "copy.db", options, on_bytes=reported.append)
    assert result.attempts == 2
    assert sum(reported) == (tmp_path / "copy.db").stat().st_size
    assert min(reported) > 0


def test_symbolic_links_are_followed(tmp_path: Path) -> None:
    """A database behind a link is copied with its log, which is beside the real file."""
    bank = make_bank(tmp_path / "live" / "a.db", journal_mode="wal")
    leave_log(bank)
    link = tmp_path / "link.db"
    link.symlink_to(bank)
    take_snapshot(link, tmp_path / "copy.db")
    assert require_bank(tmp_path / "copy.db") == 501


def test_an_existing_destination_is_refused(tmp_path: Path) -> None:
    """An existing destination is refused and not changed."""
    bank = make_bank(tmp_path / "a.db")
    (tmp_path / "copy.db").write_bytes(b"precious")
    with pytest.raises(TargetExists):
        take_snapshot(bank, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_bytes() == b"precious"


@pytest.mark.parametrize("content", [b"", b"no database" * 50], ids=["empty", "other"])
def test_a_refused_source_leaves_no_files(tmp_path: Path, content: bytes) -> None:
    """After a refusal neither a copy nor its working folder is left."""
    (tmp_path / "a.db").write_bytes(content)
    with pytest.raises(SourceCorrupt):
        take_snapshot(tmp_path / "a.db", tmp_path / "copy.db")
    assert _taken(tmp_path) == ["a.db"]


def test_a_busy_source_leaves_no_files_or_locks(tmp_path: Path) -> None:
    """A busy source is refused after the timeout, without files or locks left behind."""
    bank = make_bank(tmp_path / "a.db")
    with holding_the_lock(bank), pytest.raises(SourceBusy) as caught:
        take_snapshot(bank, tmp_path / "copy.db", _QUICK)
    assert caught.value.retryable
    assert not [name for name in _taken(tmp_path) if "copy" in name]
    take_snapshot(bank, tmp_path / "copy.db")


def test_a_missing_source(tmp_path: Path) -> None:
    """A missing source is reported before anything is created."""
    with pytest.raises(SourceNotFound, match="none"):
        take_snapshot(tmp_path / "none.db", tmp_path / "copy.db")
    assert _taken(tmp_path) == []


def test_a_source_larger_than_the_disk(tmp_path: Path) -> None:
    """A source larger than the free space, here a sparse file, is refused."""
    bank = make_bank(tmp_path / "a.db")
    with bank.open("r+b") as file:
        file.truncate(1 << 43)
    with pytest.raises(ScratchFull):
        take_snapshot(bank, tmp_path / "copy.db")
    assert _taken(tmp_path) == ["a.db"]
