"""Tests of the protocols for rollback-journal mode: accepted and refused copies, and the state afterwards."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sqlitevault.ground.errors import SourceUnsupported
from sqlitevault.snapshot.attempt import Again, Attempt, Copied
from sqlitevault.snapshot.fresh import beside
from sqlitevault.snapshot.rollback import copy_locked, copy_optimistic
from sqlitevault.snapshot.working_copy import settle
from tests.attempts import make_attempt
from tests.crashes import leave_hot_journal
from tests.databases import execute, holding_the_lock, make_bank, require_bank
from tests.sessions import session

_ADD = "INSERT INTO ledger(note) VALUES ('new')"
_SPILL = ("PRAGMA cache_size = 5", "BEGIN IMMEDIATE", "UPDATE ledger SET note = note || 'never committed'")
Protocol = Callable[[Attempt], Copied]
each_protocol = pytest.mark.parametrize("protocol", [copy_optimistic, copy_locked])


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A database in rollback-journal mode."""
    return make_bank(tmp_path / "live" / "a.db")


@each_protocol
def test_an_idle_database(bank: Path, protocol: Protocol) -> None:
    """The copy is byte for byte the source and needs no recovery."""
    attempt = make_attempt(bank)
    assert protocol(attempt) == Copied()
    assert attempt.copy.read_bytes() == bank.read_bytes()


@each_protocol
def test_a_hot_journal_is_copied_and_rolled_back_in_the_copy(bank: Path, protocol: Protocol) -> None:
    """Half a transaction is undone in the copy; the source keeps its file and journal unchanged."""
    before = require_bank(bank)
    leave_hot_journal(bank)
    left = bank.read_bytes(), beside(bank, "-journal").read_bytes()
    attempt = make_attempt(bank)
    copied = protocol(attempt)
    assert copied.hot_journal
    settle(attempt.copy, copied)
    assert require_bank(attempt.copy) == before
    assert (bank.read_bytes(), beside(bank, "-journal").read_bytes()) == left


@pytest.mark.parametrize(
    "step", ["start", "journal-read", "database-opened", "database-chunk", "database-copied", "journal-compared"]
)
def test_a_commit_at_any_step_fails_the_optimistic_copy(bank: Path, step: str) -> None:
    """A commit at any step fails the attempt, except before the first step, where it is in the copy."""
    attempt = make_attempt(bank, at={step: lambda: execute(bank, _ADD)})
    if step == "start":
        settle(attempt.copy, copy_optimistic(attempt))
        assert require_bank(attempt.copy) == require_bank(bank)
    else:
        with pytest.raises(Again):
            copy_optimistic(attempt)


def test_a_spilled_and_undone_transaction_fails_the_optimistic_copy(bank: Path) -> None:
    """Such a transaction does not change the header's change counter, but the file's times show it."""
    attempt = make_attempt(bank, at={"database-chunk": lambda: execute(bank, *_SPILL, "ROLLBACK")})
    with pytest.raises(Again):
        copy_optimistic(attempt)


def test_an_open_transaction_is_not_taken_for_a_crashed_one(bank: Path) -> None:
    """The journal of a live writer is not rolled back."""
    with session(bank, *_SPILL), pytest.raises(Again):
        copy_optimistic(make_attempt(bank))


def test_a_writer_without_a_journal_is_seen_by_its_lock(bank: Path) -> None:
    """With journal_mode MEMORY, half a transaction in the file shows only by its lock."""
    with session(bank, "PRAGMA journal_mode = MEMORY", *_SPILL):
        assert not beside(bank, "-journal").exists()
        with pytest.raises(Again, match="lock"):
            copy_optimistic(make_attempt(bank))


def test_a_writer_waits_while_the_lock_is_held(bank: Path) -> None:
    """A transaction begun under the lock is not in the copy, and its journal is not taken as hot."""
    before = require_bank(bank)
    with session(bank) as application:
        attempt = make_attempt(bank, at={"shared-locked": lambda: application.run("BEGIN IMMEDIATE", _ADD)})
        copied = copy_locked(attempt)
        assert beside(bank, "-journal").exists()
        application.run("COMMIT")
    settle(attempt.copy, copied)
    assert not copied.hot_journal
    assert require_bank(attempt.copy) == before
    assert require_bank(bank) == before + 1


def test_a_journal_that_arrives_late_fails_the_locked_copy(bank: Path, tmp_path: Path) -> None:
    """If the server releases a dead writer's lock before its journal arrives, the attempt fails."""
    before = require_bank(bank)
    leave_hot_journal(bank)
    late = beside(bank, "-journal").rename(tmp_path / "on its way")
    attempt = make_attempt(bank, at={"database-copied": lambda: late.rename(beside(bank, "-journal"))})
    with pytest.raises(Again, match="journal of a dead writer"):
        copy_locked(attempt)
    again = make_attempt(bank)
    settle(again.copy, copy_locked(again))
    assert require_bank(again.copy) == before


def test_the_time_under_the_lock_is_recorded(bank: Path) -> None:
    """The time under the lock is recorded even if the attempt fails."""
    attempt = make_attempt(bank, at={"database-copied": lambda: 1 / 0})
    with pytest.raises(ZeroDivisionError):
        copy_locked(attempt)
    assert attempt.observations.longest_hold > 0
    execute(bank, _ADD)


def test_a_copy_that_takes_too_long_releases_the_lock(bank: Path) -> None:
    """The limit of the stall is kept even if the projection was wrong."""
    attempt = make_attempt(bank, max_writer_stall_seconds=1e-6)
    with pytest.raises(Again, match="too long"):
        copy_locked(attempt)
    execute(bank, _ADD)


def test_a_lock_that_never_becomes_free(bank: Path) -> None:
    """The wait for the lock is limited."""
    with holding_the_lock(bank), pytest.raises(Again, match="lock"):
        copy_locked(make_attempt(bank))


def test_a_write_despite_the_lock_is_refused(bank: Path) -> None:
    """If locks do not reach the writer, a copy under them is refused."""
    with session(Path(f"file:{bank}?nolock=1")) as application:
        attempt = make_attempt(bank, at={"database-copied": lambda: application.run(_ADD)})
        with pytest.raises(SourceUnsupported, match="locks do not reach"):
            copy_locked(attempt)


@each_protocol
def test_a_database_switched_to_wal(bank: Path, protocol: Protocol) -> None:
    """After a switch to WAL the attempt fails, because that mode needs another protocol."""
    execute(bank, "PRAGMA journal_mode = WAL")
    with pytest.raises(Again, match="WAL"):
        protocol(make_attempt(bank))


def test_a_replaced_database(bank: Path, tmp_path: Path) -> None:
    """If the database is replaced, the attempt fails, because the lock is on the old file."""
    other = make_bank(tmp_path / "other.db", rows=10)
    with pytest.raises(Again, match="replaced"):
        copy_locked(make_attempt(bank, at={"shared-locked": lambda: other.rename(bank)}))
