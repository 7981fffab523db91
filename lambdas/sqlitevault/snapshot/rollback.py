"""Copies of a database in rollback-journal mode (delete, truncate, persist). docs/consistency.md has the argument."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from sqlitevault.ground.errors import SourceUnsupported
from sqlitevault.snapshot.attempt import Again, Attempt, Copied
from sqlitevault.snapshot.copying import copy_beside, copy_database
from sqlitevault.snapshot.fresh import View, fingerprint, fresh_open, look, view
from sqlitevault.snapshot.journal import Journal, read_journal
from sqlitevault.snapshot.locks import require_no_writer, reserved, shared_lock
from sqlitevault.snapshot.wal_format import in_wal_mode

# Of the allowed stall; the rest is for reads still running at the limit, and for the final check.
STALL_SHARE = 0.8

_LOOK_SECONDS = 0.25


def copy_optimistic(attempt: Attempt) -> Copied:
    """Copy without any lock, then check that no program wrote meanwhile.

    The file must first stay unchanged for `quiet_seconds`: any later write then gives it another modification time.

    Raises:
        Again: a program wrote or was about to.
    """
    attempt.step("start")
    before = look(attempt.source)
    time.sleep(attempt.options.quiet_seconds)
    journal = read_journal(attempt.source)
    attempt.step("journal-read")
    with fresh_open(attempt.source) as descriptor:
        _require_nobody_writing(descriptor, journal)
        _require_rollback_mode(before, hot=journal.live)
        _require_unchanged(before, view(descriptor))
        attempt.step("database-opened")
        copy_database(attempt, descriptor, check=_periodic_check(attempt, before))
    attempt.step("database-copied")
    if journal.live:
        copy_beside(attempt, "-journal")
    if read_journal(attempt.source) != journal:
        raise Again("a transaction began or ended meanwhile")
    attempt.step("journal-compared")
    with fresh_open(attempt.source) as descriptor:
        _require_nobody_writing(descriptor, journal)
        _require_unchanged(before, view(descriptor))
    attempt.step("verified")
    return Copied(hot_journal=journal.live)


def copy_locked(attempt: Attempt) -> Copied:
    """Copy under SQLite's SHARED lock; writers wait meanwhile, within the allowed stall.

    Raises:
        Again: the lock was not free, or the copy took too long.
        SourceUnsupported: the database changed in spite of the lock.
    """
    attempt.step("start")
    with fresh_open(attempt.source) as anchor, _holding(attempt, anchor) as since:
        attempt.step("shared-locked")
        copied = _copy_under_lock(attempt, anchor, partial(_require_budget, attempt, since))
    attempt.step("released")
    return copied


def _copy_under_lock(attempt: Attempt, anchor: int, check: Callable[[], None]) -> Copied:
    with fresh_open(attempt.source) as descriptor:
        before = view(descriptor)
        if before.fingerprint.identity != fingerprint(anchor).identity:
            raise Again("the database file was replaced")
        # No program can be writing the file now. A journal without a RESERVED lock is a crashed writer's: hot.
        journal = read_journal(attempt.source)
        hot = journal.live and not reserved(anchor)
        _require_rollback_mode(before, hot=hot)
        attempt.step("journal-read")
        copy_database(attempt, descriptor, check=check)
    if hot:
        copy_beside(attempt, "-journal", check=check)
    attempt.step("database-copied")
    if look(attempt.source) != before:
        raise SourceUnsupported(
            "the database was written although this host held SQLite's SHARED lock: locks do not reach the writer",
            hint="Mount the file system with working locks on both hosts (for NFS: version 4, without nolock or "
            "local_lock), and open the database in the application without nolock=1.",
        )
    # With synchronous=OFF, the host of a killed writer may release its lock before it sends the journal.
    if read_journal(attempt.source) != journal and not reserved(anchor):
        raise Again("the journal of a dead writer arrived meanwhile")
    attempt.step("verified")
    return Copied(hot_journal=hot)


@contextmanager
def _holding(attempt: Attempt, descriptor: int) -> Iterator[float]:
    """Hold SHARED, give the time at which it was taken, and record how long it was held."""
    since = None
    try:
        with shared_lock(descriptor, attempt.lock_deadline()):
            since = time.monotonic()
            yield since
    finally:
        if since is not None:
            held = time.monotonic() - since
            attempt.observations.longest_hold = max(attempt.observations.longest_hold, held)


def _require_budget(attempt: Attempt, since: float) -> None:
    if time.monotonic() - since > STALL_SHARE * attempt.options.max_writer_stall_seconds:
        raise Again("the copy would have blocked writers for too long")


def _require_nobody_writing(descriptor: int, journal: Journal) -> None:
    """Raise if a lock shows a writer; with journal_mode MEMORY or OFF, nothing else shows one."""
    require_no_writer(descriptor)
    if journal.live and reserved(descriptor):
        raise Again("a transaction is under way")


def _require_rollback_mode(seen: View, *, hot: bool) -> None:
    """Raise if the database is in WAL mode; a hot journal may be about to undo the mode in the file."""
    if in_wal_mode(seen.first) and not hot:
        raise Again("the database was switched to WAL mode")


def _require_unchanged(before: View, now: View) -> None:
    if now != before:
        raise Again("the database was written meanwhile")


def _periodic_check(attempt: Attempt, before: View) -> Callable[[], None]:
    """Return a check that ends a long copy as soon as the source has changed."""
    last = time.monotonic()

    def check() -> None:
        nonlocal last
        if time.monotonic() - last > _LOOK_SECONDS:
            _require_unchanged(before, look(attempt.source))
            last = time.monotonic()

    return check
