"""Tests of the choice of a method, and of giving up."""

import errno
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlitevault.ground.errors import SourceBusy, SourceCorrupt, SourceNotFound, SourceUnsupported, SqliteVaultError
from sqlitevault.snapshot.attempt import Again
from sqlitevault.snapshot.choice import Choice, projected_stall
from sqlitevault.snapshot.fresh import beside
from sqlitevault.snapshot.options import Method
from tests.attempts import make_attempt
from tests.crashes import leave_hot_journal
from tests.databases import execute, holding_the_lock, make_bank, require_bank
from tests.sessions import session

_ADD = "INSERT INTO ledger(note) VALUES ('new')"
_SHORT: dict[str, Any] = {"pause_seconds": 0.01, "max_attempts": 6}


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A database in rollback-journal mode."""
    return make_bank(tmp_path / "live" / "a.db")


def test_a_quiet_database_needs_no_lock(bank: Path) -> None:
    """The first attempt at a quiet database, an optimistic one, succeeds."""
    taken = Choice(make_attempt(bank)).take()
    assert (taken.method, taken.attempts, taken.recovered) == (Method.ROLLBACK_OPTIMISTIC, 1, False)


def test_a_database_that_is_never_quiet_is_locked(bank: Path) -> None:
    """A busy database is locked after the optimistic attempts, if the stall is allowed."""
    tried: list[str] = []

    def write_during_optimistic_copies(step: str) -> None:
        tried.append(step)
        if step == "journal-compared":
            execute(bank, _ADD)

    attempt = make_attempt(bank, on_step=write_during_optimistic_copies, optimistic_attempts=2, pause_seconds=0.0)
    taken = Choice(attempt).take()
    assert (taken.method, taken.attempts) == (Method.ROLLBACK_LOCKED, 3)
    assert tried.count("journal-compared") == 2
    assert attempt.observations.longest_hold > 0
    assert require_bank(attempt.copy) == 502


def test_a_stall_that_is_not_allowed_does_not_occur(bank: Path) -> None:
    """If the stall is not allowed, the lock is never taken, and the hint names a solution."""

    def write(step: str) -> None:
        if step == "journal-compared":
            execute(bank, _ADD)

    attempt = make_attempt(bank, on_step=write, max_writer_stall_seconds=1e-9, **_SHORT)
    with pytest.raises(SourceBusy, match="6 attempts") as caught:
        Choice(attempt).take()
    assert "journal_mode=WAL" in caught.value.hint
    assert attempt.observations.longest_hold == 0


def test_the_stall_is_projected_from_the_last_copy(bank: Path) -> None:
    """The speed of the last copy decides on the lock; before the first copy, a sample does."""
    attempt = make_attempt(bank)
    assert 0 < projected_stall(attempt) < 1
    attempt.observations.bytes_per_second = 1000.0
    assert projected_stall(attempt) == bank.stat().st_size / 1000


def test_a_lock_that_a_writer_keeps(bank: Path) -> None:
    """If a writer never releases its lock, the attempts are limited and the error gives the reason."""
    with holding_the_lock(bank), pytest.raises(SourceBusy, match="lock") as caught:
        Choice(make_attempt(bank, **_SHORT)).take()
    assert "host is alive" in caught.value.hint


def test_the_time_is_limited(bank: Path) -> None:
    """After the deadline no further attempt begins."""
    attempt = make_attempt(bank)
    late = type(attempt)(attempt.source, attempt.copy, attempt.options, deadline=0)
    with pytest.raises(SourceBusy, match="after 1 attempts; last reason: the time is up"):
        Choice(late).take()


def test_wal_is_pinned_while_the_application_has_it_open(tmp_path: Path) -> None:
    """A WAL database is pinned while a connection is open; otherwise, or without locks, its copy is lock-free."""
    bank = make_bank(tmp_path / "live" / "a.db", journal_mode="wal")
    assert Choice(make_attempt(bank)).take().method is Method.WAL_LOCK_FREE
    with session(bank, _ADD):
        assert Choice(make_attempt(bank)).take().method is Method.WAL_PINNED
        assert Choice(make_attempt(bank, pin_attempts=0)).take().method is Method.WAL_LOCK_FREE


def test_wal_in_exclusive_mode_is_copied_without_locks(tmp_path: Path) -> None:
    """An application in exclusive mode has no -shm file to lock, so the copy is lock-free."""
    bank = make_bank(tmp_path / "live" / "a.db", journal_mode="wal")
    with session(bank, "PRAGMA locking_mode = EXCLUSIVE", _ADD):
        attempt = make_attempt(bank)
        taken = Choice(attempt).take()
    assert (taken.method, taken.recovered) == (Method.WAL_LOCK_FREE, False)
    assert require_bank(attempt.copy) == 501


def test_a_switch_between_attempts_is_followed(bank: Path) -> None:
    """The journal mode is checked before every attempt."""
    attempt = make_attempt(bank, at={"journal-read": lambda: execute(bank, "PRAGMA journal_mode = WAL", _ADD)})
    taken = Choice(attempt).take()
    assert (taken.method, taken.journal_mode, taken.attempts) == (Method.WAL_LOCK_FREE, "wal", 2)
    assert require_bank(attempt.copy) == 501


def test_a_hot_journal_beside_a_database_in_wal_mode(bank: Path) -> None:
    """After a crash during a switch to WAL, the journal undoes the switch."""
    leave_hot_journal(bank)
    with bank.open("r+b") as file:
        file.seek(18)
        file.write(b"\2\2")
    attempt = make_attempt(bank)
    taken = Choice(attempt).take()
    assert (taken.journal_mode, taken.recovered) == ("rollback", True)
    assert require_bank(attempt.copy) == 500


def test_a_log_beside_a_database_in_rollback_mode(bank: Path, tmp_path: Path) -> None:
    """A log beside such a database is refused: SQLite would apply it, but it may not belong to the database."""
    other = tmp_path / "other.db"
    with session(other, "PRAGMA journal_mode = WAL", "CREATE TABLE t (x)"):
        beside(bank, "-wal").write_bytes(beside(other, "-wal").read_bytes())
    with pytest.raises(SourceCorrupt, match="rollback mode"):
        Choice(make_attempt(bank, **_SHORT)).take()
    beside(bank, "-wal").write_bytes(b"")
    assert Choice(make_attempt(bank)).take().journal_mode == "rollback"


def test_a_log_and_a_live_journal(tmp_path: Path) -> None:
    """A log with a live journal is refused: SQLite would apply both, and a copy without the log would lack commits."""
    bank = make_bank(tmp_path / "live" / "a.db", journal_mode="wal")
    other = make_bank(tmp_path / "other.db")
    leave_hot_journal(other)
    with session(bank, _ADD):
        beside(bank, "-journal").write_bytes(beside(other, "-journal").read_bytes())
        with pytest.raises(SourceCorrupt, match="both"):
            Choice(make_attempt(bank, **_SHORT)).take()


def test_a_file_replaced_during_an_attempt(bank: Path) -> None:
    """A stale handle fails only that attempt."""
    stale = [OSError(errno.ESTALE, os.strerror(errno.ESTALE))]

    def fail_once(step: str) -> None:
        if step == "database-opened" and stale:
            raise stale.pop()

    taken = Choice(make_attempt(bank, on_step=fail_once)).take()
    assert taken.attempts == 2


@pytest.mark.parametrize("method", ["journal-read", "database-opened"])
def test_a_read_that_fails_once(bank: Path, method: str) -> None:
    """After a read that fails once, as over NFS after a lost lease, the next attempt succeeds."""
    failing = [OSError(errno.EIO, os.strerror(errno.EIO))]

    def fail_once(step: str) -> None:
        if step == method and failing:
            raise failing.pop()

    def copy(attempts: int) -> int:
        return Choice(make_attempt(bank, on_step=fail_once, optimistic_attempts=attempts)).take().attempts

    assert copy(0 if method == "journal-read" else 3) == 2


def test_the_error_gives_the_reason_of_an_earlier_attempt(bank: Path) -> None:
    """When the time is up, the error gives the reason of an earlier attempt."""

    def write(step: str) -> None:
        if step == "database-opened":
            execute(bank, _ADD)
        if step == "database-chunk":
            time.sleep(0.1)

    options = {**_SHORT, "max_attempts": 1000}
    attempt = make_attempt(bank, on_step=write, max_writer_stall_seconds=1e-9, **options)
    limited = type(attempt)(attempt.source, attempt.copy, attempt.options, deadline=time.monotonic() + 0.5)
    with pytest.raises(SourceBusy, match="last reason: the database was written meanwhile"):
        Choice(limited).take()


def _refuse(monkeypatch: pytest.MonkeyPatch, refused: int) -> None:
    """Make the kernel refuse one kind of lock call, as if the server denied it to this host."""
    real: Callable[[int, int, bytes], bytes] = fcntl.fcntl

    def answer(descriptor: int, command: int, argument: bytes) -> bytes:
        if command == refused:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return real(descriptor, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", answer)


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_denied_locks_lead_to_a_lock_free_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal_mode: str
) -> None:
    """If locks are denied, a method without locks is used at once."""
    bank = make_bank(tmp_path / "live" / "a.db", journal_mode=journal_mode)
    with session(bank, _ADD):
        _refuse(monkeypatch, fcntl.F_OFD_SETLK)
        attempt = make_attempt(bank, optimistic_attempts=0, lock_wait_seconds=60.0, locked_attempts=1)
        taken = Choice(attempt).take()
    assert taken.method in (Method.WAL_LOCK_FREE, Method.ROLLBACK_OPTIMISTIC)
    assert require_bank(attempt.copy) == 501


def test_invisible_locks_are_reported(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If locks cannot be queried, the error says so instead of reporting an unreadable file."""
    _refuse(monkeypatch, fcntl.F_OFD_GETLK)
    with pytest.raises(SourceUnsupported, match="see the locks"):
        Choice(make_attempt(bank, **_SHORT)).take()


@pytest.mark.parametrize("content", [b"", b"no database" * 50, b"SQLite format 3\0" + b"\2" * 100])
def test_other_files_are_refused(bank: Path, content: bytes) -> None:
    """Empty files and other files are refused after three attempts."""
    bank.write_bytes(content)
    with pytest.raises(SourceCorrupt):
        Choice(make_attempt(bank, **_SHORT)).take()


def test_momentary_damage_is_checked_again(tmp_path: Path) -> None:
    """A file that looks damaged only for a moment is copied."""
    bank = make_bank(tmp_path / "live" / "a.db", journal_mode="wal")
    content = bank.read_bytes()
    starts: list[str] = []

    def damage_first_and_repair_then(step: str) -> None:
        if step == "start":
            starts.append(step)
            bank.write_bytes(content if len(starts) > 1 else content[:21] + b"\0\0\0" + content[24:])

    assert Choice(make_attempt(bank, on_step=damage_first_and_repair_then)).take().attempts == 2


def test_a_missing_file_is_reported_at_once(tmp_path: Path) -> None:
    """A missing database and a folder are reported without another attempt."""
    folder = tmp_path / "live"
    folder.mkdir()
    for missing in (folder / "none.db", folder):
        with pytest.raises(SourceNotFound):
            Choice(make_attempt(missing)).take()


def test_a_database_that_disappears(bank: Path) -> None:
    """A database that disappears during an attempt is reported as not found."""
    with pytest.raises(SourceNotFound):
        Choice(make_attempt(bank, at={"start": bank.unlink})).take()


def test_a_newer_format_is_not_retried(bank: Path) -> None:
    """A newer format is reported at once instead of after minutes of retries."""
    with bank.open("r+b") as file:
        file.seek(18)
        file.write(b"\3\3")
    with pytest.raises(SourceUnsupported):
        Choice(make_attempt(bank, **_SHORT)).take()


def test_again_is_not_a_sqlitevault_error() -> None:
    """Again never leaves the package, so it is not a SqliteVaultError."""
    assert not issubclass(Again, SqliteVaultError)
