"""Tests of SQLite's locks, against real connections of other processes."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from sqlitevault.snapshot.fresh import beside, fresh_open
from sqlitevault.snapshot.locks import (
    WAL_READ_0,
    Locked,
    connections_seen,
    read_lock,
    reserved,
    shared_lock,
    wal_open,
    write_locked,
)
from tests.databases import holding_the_lock, make_bank

_CLIENT = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
for statement in sys.argv[2:]:
    connection.execute(statement).fetchall()
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def _client(database: Path, *statements: str) -> Iterator[None]:
    command = [sys.executable, "-c", _CLIENT, str(database), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            process.kill()


def _commits(database: Path) -> bool:
    statement = "UPDATE accounts SET balance = -balance"
    command = [sys.executable, "-c", _CLIENT, str(database), statement]
    process = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return process.returncode == 0


def test_shared_keeps_writers_out_until_it_is_released(tmp_path: Path) -> None:
    """A commit of another process fails while SHARED is held, and succeeds afterwards."""
    database = make_bank(tmp_path / "a.db")
    with fresh_open(database) as descriptor:
        with shared_lock(descriptor, deadline=0):
            assert not _commits(database)
        assert _commits(database)


def test_shared_survives_the_closing_of_another_descriptor(tmp_path: Path) -> None:
    """Closing another descriptor of the file does not release the lock, as it would for a classic POSIX lock."""
    database = make_bank(tmp_path / "a.db")
    with fresh_open(database) as descriptor, shared_lock(descriptor, deadline=0):
        os.close(os.open(database, os.O_RDONLY))
        assert not _commits(database)


def test_shared_is_released_after_an_error(tmp_path: Path) -> None:
    """An error under the lock releases it."""
    database = make_bank(tmp_path / "a.db")
    with fresh_open(database) as descriptor:
        with pytest.raises(ZeroDivisionError), shared_lock(descriptor, deadline=0):
            raise ZeroDivisionError
        assert _commits(database)


def test_readers_share_the_lock(tmp_path: Path) -> None:
    """A reader of the application and the lock do not wait for each other."""
    database = make_bank(tmp_path / "a.db")
    with (
        _client(database, "BEGIN", "SELECT * FROM accounts"),
        fresh_open(database) as descriptor,
        shared_lock(descriptor, deadline=0),
    ):
        assert not _commits(database)


def test_the_wait_for_an_exclusive_lock_ends_at_the_deadline(tmp_path: Path) -> None:
    """The wait raises Locked, and no lock is left behind."""
    database = make_bank(tmp_path / "a.db")
    with (
        holding_the_lock(database),
        fresh_open(database) as descriptor,
        pytest.raises(Locked),
        shared_lock(descriptor, deadline=time.monotonic() + 0.02),
    ):
        pytest.fail("two programs hold the lock")
    assert _commits(database)


def test_writers_are_distinguished_by_their_lock(tmp_path: Path) -> None:
    """RESERVED means that the file is not being written yet; EXCLUSIVE means that it may be."""
    database = make_bank(tmp_path / "a.db")
    with fresh_open(database) as descriptor:
        assert (reserved(descriptor), write_locked(descriptor)) == (False, False)
        with _client(database, "BEGIN IMMEDIATE"):
            assert (reserved(descriptor), write_locked(descriptor)) == (True, False)
        with _client(database, "BEGIN EXCLUSIVE"):
            assert (reserved(descriptor), write_locked(descriptor)) == (True, True)


def test_read_lock_on_shared_memory_stops_checkpoints(tmp_path: Path) -> None:
    """With WAL_READ_LOCK(0) held, a checkpoint moves no page, and commits continue."""
    database = make_bank(tmp_path / "a.db", journal_mode="wal")
    with _client(database, "UPDATE accounts SET balance = -balance"):
        with fresh_open(beside(database, "-shm")) as descriptor, read_lock(descriptor, WAL_READ_0, deadline=0):
            assert _commits(database)
            assert _checkpointed_frames(database) == 0
        assert _checkpointed_frames(database) > 0


def _checkpointed_frames(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[2])


def test_visible_connections(tmp_path: Path) -> None:
    """Readers, writers and WAL connections are visible; a closed database has none."""
    database = make_bank(tmp_path / "a.db")
    assert connections_seen(database) == ()
    with _client(database, "BEGIN", "SELECT * FROM accounts"):
        assert len(connections_seen(database)) == 1
    with _client(database, "BEGIN IMMEDIATE"):
        assert any("writes" in text for text in connections_seen(database))
    assert connections_seen(tmp_path / "none.db") == ()


def test_an_idle_wal_connection_is_visible(tmp_path: Path) -> None:
    """In WAL mode even an idle connection is visible until it is closed."""
    database = make_bank(tmp_path / "a.db", journal_mode="wal")
    assert not wal_open(database)
    with _client(database, "SELECT * FROM accounts"):
        assert wal_open(database)
        assert any("WAL" in text for text in connections_seen(database))
    assert not wal_open(database)


def test_a_wal_connection_in_exclusive_mode_is_visible(tmp_path: Path) -> None:
    """Such a connection is visible by its exclusive lock, as it has no -shm file."""
    database = make_bank(tmp_path / "a.db", journal_mode="wal")
    with _client(database, "PRAGMA locking_mode = EXCLUSIVE", "UPDATE accounts SET balance = -balance"):
        assert not beside(database, "-shm").exists()
        assert wal_open(database)
