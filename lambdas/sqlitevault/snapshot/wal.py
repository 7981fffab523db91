"""Copies of a database in WAL mode. docs/consistency.md has the argument.

The database is copied first, then the log up to its size at that time. A checkpoint that writes the database
meanwhile does no harm as long as the log stays in the same generation: every page it writes is also in the log, and
SQLite puts the log's pages over the copied ones when it recovers the copy.
"""

import time
from dataclasses import dataclass

from sqlitevault.database.header import parse_header
from sqlitevault.snapshot.attempt import Again, Attempt, Copied
from sqlitevault.snapshot.copying import copy_beside, copy_database
from sqlitevault.snapshot.fresh import Vanished, View, beside, fingerprint, fresh_open, look, view
from sqlitevault.snapshot.journal import read_journal
from sqlitevault.snapshot.locks import WAL_READ_0, WAL_READ_4, read_lock, require_no_writer, shared_lock, wal_open
from sqlitevault.snapshot.wal_format import (
    HEADER_BYTES,
    WalHeader,
    count_frames,
    in_wal_mode,
    lasting,
    parse_wal_header,
    require_own_log,
)


@dataclass(frozen=True, slots=True)
class Generation:
    """The log's header: its bytes in `raw`, and its meaning to SQLite, None for a log without content."""

    raw: bytes
    header: WalHeader | None


def read_generation(attempt: Attempt) -> Generation:
    """Return the present generation of the source's log."""
    try:
        raw = look(beside(attempt.source, "-wal")).first[:HEADER_BYTES]
    except Vanished:
        raw = b""
    return Generation(raw, parse_wal_header(raw))


def copy_lock_free(attempt: Attempt) -> Copied:
    """Copy without any lock; the attempt fails if the log restarts meanwhile.

    Raises:
        Again: the log was restarted, or the database was written while there was no log.
    """
    attempt.step("start")
    return _copy(attempt, pinned=False)


def copy_pinned(attempt: Attempt) -> Copied:
    """Copy while read locks keep the log's generation and the database file unchanged; commits continue.

    SHARED on the database keeps the last connection from deleting the log; WAL_READ_LOCK(0) keeps checkpoints from
    writing the database, WAL_READ_LOCK(4) the log from being restarted (section 2.3 of the WAL format). The -shm
    file is neither read nor mapped.

    Raises:
        Again: there is no -shm file, a lock was not free, or what the locks should protect changed.
    """
    attempt.step("start")
    deadline = attempt.lock_deadline()
    shared_memory = beside(attempt.source, "-shm")
    with fresh_open(attempt.source) as database, shared_lock(database, deadline):
        attempt.step("shared-locked")
        with (
            fresh_open(shared_memory) as locks,
            read_lock(locks, WAL_READ_0, deadline),
            read_lock(locks, WAL_READ_4, deadline),
        ):
            attempt.step("pinned")
            if look(shared_memory).fingerprint.identity != fingerprint(locks).identity:
                raise Again("the -shm file was replaced")
            copied = _copy(attempt, pinned=True)
    attempt.step("released")
    return copied


def _copy(attempt: Attempt, *, pinned: bool) -> Copied:
    generation = read_generation(attempt)
    attempt.step("generation-read")
    in_use = wal_open(attempt.source)
    before = _copy_database(attempt, generation, pinned=pinned)
    log_from_the_first = generation.header is not None
    if pinned and not log_from_the_first:
        # The locks were taken before the log had any content, so the generation that began since is all new.
        generation = read_generation(attempt)
        attempt.step("generation-read-again")
    if generation.header is not None:
        copy_beside(attempt, "-wal")
    attempt.step("wal-copied")
    _require_same(attempt, generation, before, database_may_change=log_from_the_first)
    attempt.step("verified")
    return Copied(wal_frames=_frames(attempt, generation), in_use=in_use)


def _copy_database(attempt: Attempt, generation: Generation, *, pinned: bool) -> View:
    with fresh_open(attempt.source) as descriptor:
        before = view(descriptor)
        _require_wal_mode(attempt, before, generation)
        if generation.header is None and not pinned:
            # The file holds the whole state. It must first stay unchanged: any later write then shows in its times.
            require_no_writer(descriptor)
            time.sleep(attempt.options.quiet_seconds)
            _require_same(attempt, generation, before, database_may_change=False)
        attempt.step("database-opened")
        copy_database(attempt, descriptor)
    attempt.step("database-copied")
    return before


def _require_wal_mode(attempt: Attempt, before: View, generation: Generation) -> None:
    if not in_wal_mode(before.first):
        raise Again("the database was switched out of WAL mode")
    if read_journal(attempt.source).live:
        raise Again("a journal lies beside a database in WAL mode")
    parse_header(before.first)
    if generation.header is not None:
        require_own_log(before.first, generation.header)


def _require_same(attempt: Attempt, generation: Generation, before: View, *, database_may_change: bool) -> None:
    if read_generation(attempt).raw != generation.raw:
        raise Again("the write-ahead log was restarted")
    attempt.step("generation-compared")
    now = look(attempt.source)
    if now.fingerprint.identity != before.fingerprint.identity or lasting(now.first) != lasting(before.first):
        raise Again("the database file was replaced or changed its mode")
    if not database_may_change and now != before:
        # If locks were held, they do not reach the writer, and whole generations may have passed.
        raise Again("the database was written while there was no write-ahead log")


def _frames(attempt: Attempt, generation: Generation) -> int:
    if generation.header is None:
        return 0
    log = beside(attempt.copy, "-wal")
    with log.open("rb") as file:
        copied = file.read(HEADER_BYTES)
    frames = count_frames(log, generation.header)
    if copied != generation.raw or frames is None:
        raise Again("the write-ahead log was restarted while it was copied")
    return frames
