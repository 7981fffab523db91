"""Tests of the protocols for WAL mode: accepted and refused copies, and the state afterwards."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sqlitevault.ground.errors import SourceCorrupt
from sqlitevault.snapshot.attempt import Again, Attempt, Copied
from sqlitevault.snapshot.fresh import Vanished, beside
from sqlitevault.snapshot.wal import copy_lock_free, copy_pinned
from sqlitevault.snapshot.working_copy import settle
from tests.attempts import make_attempt
from tests.crashes import leave_log
from tests.databases import execute, make_bank, require_bank
from tests.sessions import Session, session

_ADD = "INSERT INTO ledger(note) VALUES ('new')"
Protocol = Callable[[Attempt], Copied]
each_protocol = pytest.mark.parametrize("protocol", [copy_lock_free, copy_pinned])


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A database in WAL mode without connections."""
    return make_bank(tmp_path / "live" / "a.db", journal_mode="wal")


@pytest.fixture
def application(bank: Path) -> Iterator[Session]:
    """A connection that checkpoints only on request."""
    with session(bank, "PRAGMA wal_autocheckpoint = 0", _ADD) as opened:
        yield opened


def _rows(attempt: Attempt, protocol: Protocol) -> int:
    settle(attempt.copy, protocol(attempt))
    assert attempt.copy.read_bytes()[18:20] == b"\1\1"
    assert [path.name for path in attempt.copy.parent.iterdir()] == [attempt.copy.name]
    return require_bank(attempt.copy)


@each_protocol
@pytest.mark.usefixtures("application")
def test_commits_that_are_only_in_the_log(bank: Path, protocol: Protocol) -> None:
    """Commits that are only in the log are in the copy, which is one file in rollback mode."""
    assert _rows(make_attempt(bank), protocol) == 501


@each_protocol
def test_an_empty_log(bank: Path, application: Session, protocol: Protocol) -> None:
    """With an empty log, the database file is the whole state."""
    application.run("PRAGMA wal_checkpoint(TRUNCATE)")
    assert beside(bank, "-wal").stat().st_size == 0
    assert _rows(make_attempt(bank), protocol) == 501


def test_no_log_at_all(bank: Path) -> None:
    """A database that was closed properly is copied without locks; there is no -shm file to lock."""
    assert _rows(make_attempt(bank), copy_lock_free) == 500
    with pytest.raises(Vanished, match="shm"):
        copy_pinned(make_attempt(bank))


@each_protocol
def test_the_log_of_a_killed_writer(bank: Path, protocol: Protocol) -> None:
    """Committed transactions are in the copy, the unfinished one is not, and the source stays unchanged."""
    leave_log(bank)
    left = [beside(bank, suffix).read_bytes() for suffix in ("", "-wal", "-shm")]
    attempt = make_attempt(bank)
    copied = protocol(attempt)
    assert not copied.in_use
    settle(attempt.copy, copied)
    assert require_bank(attempt.copy) == 501
    assert [beside(bank, suffix).read_bytes() for suffix in ("", "-wal", "-shm")] == left


@each_protocol
def test_commits_continue_during_the_copy(bank: Path, application: Session, protocol: Protocol) -> None:
    """A commit while the database is copied is in the copy, because the log is read later."""
    attempt = make_attempt(bank, at={"database-chunk": lambda: application.run(_ADD)})
    assert _rows(attempt, protocol) == 502


@each_protocol
def test_a_checkpoint_during_the_copy_is_harmless(bank: Path, application: Session, protocol: Protocol) -> None:
    """Pages that a checkpoint moves to the database are also in the log, as long as the log is not restarted."""
    grow = "INSERT INTO ledger(note) SELECT note FROM ledger"
    application.run(grow)
    attempt = make_attempt(bank, at={"database-chunk": lambda: application.run("PRAGMA wal_checkpoint(PASSIVE)")})
    assert _rows(attempt, protocol) == 1002


@pytest.mark.parametrize("step", ["generation-read", "database-opened", "database-copied", "wal-chunk", "wal-copied"])
def test_a_restart_of_the_log_fails_the_lock_free_copy(bank: Path, application: Session, step: str) -> None:
    """The log's generation must stay the same from the first check to the last."""

    def restart() -> None:
        application.run("PRAGMA wal_checkpoint(RESTART)", _ADD)

    with pytest.raises(Again, match="restarted"):
        copy_lock_free(make_attempt(bank, at={step: restart}))


@pytest.mark.parametrize("step", ["pinned", "database-chunk", "database-copied", "wal-chunk", "generation-compared"])
def test_the_pin_keeps_the_log_from_being_restarted(bank: Path, application: Session, step: str) -> None:
    """The application's checkpoint gives up, its commits continue, and the copy is sound."""
    attempt = make_attempt(bank, at={step: lambda: application.run("PRAGMA wal_checkpoint(TRUNCATE)", _ADD)})
    assert _rows(attempt, copy_pinned) in (501, 502)
    assert beside(bank, "-wal").stat().st_size > 0


def test_a_pin_without_effect_on_an_empty_log_is_detected(bank: Path, application: Session) -> None:
    """If locks do not reach the writer, a whole generation that comes and goes during the copy is detected."""
    application.run("PRAGMA wal_checkpoint(TRUNCATE)")
    beside(bank, "-shm").unlink()
    beside(bank, "-shm").write_bytes(b"")  # the application's locks are on the file that had this name
    write = ("UPDATE ledger SET note = note || 'changed'", "PRAGMA wal_checkpoint(TRUNCATE)", _ADD)
    with pytest.raises(Again, match="written while there was no"):
        copy_pinned(make_attempt(bank, at={"database-chunk": lambda: application.run(*write)}))


def test_the_pin_is_released(bank: Path, application: Session) -> None:
    """After the pin is released, a checkpoint works as before."""
    copy_pinned(make_attempt(bank))
    with pytest.raises(ZeroDivisionError):
        copy_pinned(make_attempt(bank, at={"database-chunk": lambda: 1 / 0}))
    application.run("PRAGMA wal_checkpoint(TRUNCATE)")
    assert beside(bank, "-wal").stat().st_size == 0


@pytest.mark.parametrize("step", ["database-opened", "database-chunk", "database-copied", "wal-copied"])
def test_a_write_without_a_lasting_log_fails_the_copy(bank: Path, step: str) -> None:
    """If a program opens, writes and closes the database during the copy, leaving no log, the attempt fails."""
    with pytest.raises(Again):
        copy_lock_free(make_attempt(bank, at={step: lambda: execute(bank, _ADD)}))
    assert not beside(bank, "-wal").exists()


def test_a_log_whose_header_is_torn_counts_as_empty(bank: Path, application: Session) -> None:
    """A log with a torn header counts as empty, as for SQLite: everything was checkpointed before the restart."""
    application.run("PRAGMA wal_checkpoint(FULL)")
    with beside(bank, "-wal").open("r+b") as file:
        file.seek(20)
        file.write(b"torn")
    assert _rows(make_attempt(bank), copy_lock_free) == 501


def test_a_log_truncated_in_a_frame(bank: Path, application: Session) -> None:
    """Only whole transactions count, as in SQLite's own recovery."""
    application.run(_ADD)
    log = beside(bank, "-wal")
    content = log.read_bytes()
    log.write_bytes(content[:-100])
    assert _rows(make_attempt(bank), copy_lock_free) == 501


def test_a_damaged_frame_ends_the_log(bank: Path, application: Session) -> None:
    """The checksum of each frame covers all frames before it; frames after the damage are ignored."""
    before = beside(bank, "-wal").stat().st_size
    application.run(_ADD, _ADD)
    with beside(bank, "-wal").open("r+b") as file:
        file.seek(before + 1000)
        file.write(b"damage")
    assert _rows(make_attempt(bank), copy_lock_free) == 501


@each_protocol
def test_a_log_of_another_database(bank: Path, application: Session, tmp_path: Path, protocol: Protocol) -> None:
    """A log with another page size is refused with its own message."""
    application.run(_ADD)
    other = tmp_path / "other.db"
    with session(other, "PRAGMA page_size = 1024", "PRAGMA journal_mode = WAL", "CREATE TABLE t (x)"):
        beside(bank, "-wal").write_bytes(beside(other, "-wal").read_bytes())
        with pytest.raises(SourceCorrupt, match="1024"):
            protocol(make_attempt(bank))


@each_protocol
def test_a_database_switched_out_of_wal(tmp_path: Path, protocol: Protocol) -> None:
    """After a switch out of WAL the attempt fails, because that mode needs another protocol."""
    bank = make_bank(tmp_path / "live" / "b.db")
    beside(bank, "-shm").write_bytes(b"")
    with pytest.raises(Again, match="out of WAL"):
        protocol(make_attempt(bank))


def test_a_replaced_database(bank: Path, application: Session, tmp_path: Path) -> None:
    """If the database is replaced, the attempt fails, because the log belongs to the old file."""
    application.run(_ADD)
    other = make_bank(tmp_path / "other.db", journal_mode="wal")
    with pytest.raises(Again, match="replaced"):
        copy_lock_free(make_attempt(bank, at={"wal-copied": lambda: other.rename(bank)}))
