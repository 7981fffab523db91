"""The choice of the next method, by the source's journal mode and the attempts so far."""

import errno
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from sqlitevault.database.header import HEADER_BYTES, JournalMode, not_found, parse_header
from sqlitevault.ground.errors import SourceBusy, SourceCorrupt, SourceNotFound, SourceUnsupported
from sqlitevault.snapshot import rollback, wal
from sqlitevault.snapshot.attempt import Again, Attempt, Copied, TimeUp
from sqlitevault.snapshot.fresh import Vanished, beside, fresh_open, look
from sqlitevault.snapshot.journal import read_journal
from sqlitevault.snapshot.locks import Locked
from sqlitevault.snapshot.options import Method
from sqlitevault.snapshot.wal_format import in_wal_mode, require_own_log
from sqlitevault.snapshot.working_copy import clear, settle

PROTOCOLS: dict[Method, Callable[[Attempt], Copied]] = {
    Method.ROLLBACK_OPTIMISTIC: rollback.copy_optimistic,
    Method.ROLLBACK_LOCKED: rollback.copy_locked,
    Method.WAL_PINNED: wal.copy_pinned,
    Method.WAL_LOCK_FREE: wal.copy_lock_free,
}

# A file may look damaged while it is being written; real damage stays.
_LOOKS_AT_DAMAGE = 3
# No permission, a directory, or a FIFO.
_NOT_A_FILE_TO_READ = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ESPIPE)
_SAMPLES = 8
_SAMPLE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Taken:
    """A finished copy: its method, the number of attempts, and the source's journal mode."""

    method: Method
    attempts: int
    journal_mode: JournalMode
    recovered: bool


class Choice:
    """The attempts at one snapshot."""

    def __init__(self, attempt: Attempt) -> None:
        """Begin without any attempt."""
        self._attempt = attempt
        self._options = attempt.options
        self._tried: Counter[Method] = Counter()
        self._damage_seen = 0
        self._mode: JournalMode = "rollback"
        self._reason: Exception | None = None

    def take(self) -> Taken:
        """Attempt until a copy succeeds.

        Raises:
            SourceNotFound: the database does not exist or may not be read.
            SourceBusy: the time or the attempts are used up.
            SourceCorrupt, SourceUnsupported: found several times in a row.
        """
        number = 0
        while True:
            number += 1
            try:
                return self._once(number)
            except Again as reason:
                self._damage_seen = 0
                self._pause(number, reason)
            except (SourceCorrupt, SourceUnsupported) as damage:
                self._damage_seen += 1
                if self._damage_seen >= _LOOKS_AT_DAMAGE:
                    raise
                self._pause(number, damage)
            except OSError as error:
                if error.errno not in _NOT_A_FILE_TO_READ:
                    raise
                raise SourceNotFound(
                    f"{error.filename or self._attempt.source} cannot be read: {error.strerror}",
                    hint="Name the database file itself and let this user read it.",
                ) from error

    def _once(self, number: int) -> Taken:
        clear(self._attempt.copy)
        self._mode = source_mode(self._attempt)
        method = self._method()
        self._tried[method] += 1
        copied = PROTOCOLS[method](self._attempt)
        settle(self._attempt.copy, copied, durable=self._options.durable)
        recovered = copied.hot_journal or (copied.wal_frames > 0 and not copied.in_use)
        return Taken(method, number, self._mode, recovered)

    def _method(self) -> Method:
        tried, options = self._tried, self._options
        if self._mode == "wal":
            pin = tried[Method.WAL_PINNED] < options.pin_attempts and self._has_shared_memory()
            return Method.WAL_PINNED if pin else Method.WAL_LOCK_FREE
        if tried[Method.ROLLBACK_OPTIMISTIC] < options.optimistic_attempts:
            return Method.ROLLBACK_OPTIMISTIC
        lock = tried[Method.ROLLBACK_LOCKED] < options.locked_attempts and self._stall_fits()
        return Method.ROLLBACK_LOCKED if lock else Method.ROLLBACK_OPTIMISTIC

    def _has_shared_memory(self) -> bool:
        try:
            look(beside(self._attempt.source, "-shm"))
        except Vanished:
            return False
        return True

    def _stall_fits(self) -> bool:
        allowed = rollback.STALL_SHARE * self._options.max_writer_stall_seconds
        return projected_stall(self._attempt) <= allowed

    def _pause(self, number: int, reason: Exception) -> None:
        if self._reason is None or not isinstance(reason, TimeUp):
            self._reason = reason
        left = self._attempt.deadline - time.monotonic()
        if left <= 0 or number >= self._options.max_attempts:
            raise self._busy(number, self._reason) from reason
        time.sleep(min(left, random.uniform(0, self._options.pause_seconds)))

    def _busy(self, number: int, reason: Exception) -> SourceBusy:
        message = f"no consistent copy of {self._attempt.source} after {number} attempts; last reason: {reason}"
        if isinstance(reason, Locked):
            hint = (
                "Check whether the application's host is alive and what it is doing. A lock is held as long as its "
                "transaction; the file server releases the lock of a disconnected host after a while."
            )
        elif self._mode == "wal":
            hint = (
                "Let the application checkpoint less often (wal_autocheckpoint 1000 or more, no explicit checkpoints "
                "in a loop), or back up at a quieter hour."
            )
        else:
            message = f"{message}; {self._stall_in_words()}"
            hint = (
                "Switch the application to WAL mode (PRAGMA journal_mode=WAL), where a copy blocks no writer, or raise "
                "MAX_WRITER_STALL_SECONDS together with the application's busy timeout."
            )
        return SourceBusy(message, hint=hint)

    def _stall_in_words(self) -> str:
        try:
            stall = f"{projected_stall(self._attempt):.1f} s"
        except Again:
            stall = "an unknown time"  # the file is being replaced at this moment
        allowed = self._options.max_writer_stall_seconds
        return f"a copy would block writers for about {stall}; {allowed:.1f} s are allowed"


def source_mode(attempt: Attempt) -> JournalMode:
    """Return the source's present journal mode, from its header and the files beside it.

    Raises:
        SourceNotFound: the file does not exist.
        SourceCorrupt: it is not a database, or a write-ahead log lies beside a live journal or one in rollback mode.
        SourceUnsupported: its format is newer than this version reads.
    """
    try:
        seen = look(attempt.source)
    except Vanished as error:
        raise not_found(attempt.source) from error
    journal_lives = read_journal(attempt.source).live
    if not journal_lives:  # a live journal may be about to undo the header
        if in_wal_mode(seen.first):
            return "wal"
        parse_header(seen.first)
    log = wal.read_generation(attempt).header
    if log is not None and journal_lives:
        raise SourceCorrupt(
            "both a rollback journal and a write-ahead log lie beside the database; SQLite would apply both to it",
            hint="One of them was probably left by a database that was here before. Stop the application, keep copies "
            "of all three files, move away the one that does not belong, and run PRAGMA integrity_check.",
        )
    if log is not None:
        require_own_log(seen.first, log)
    return "rollback"


def projected_stall(attempt: Attempt) -> float:
    """Return the seconds for which a locked copy would block writers, from the observed or sampled speed."""
    try:
        with fresh_open(attempt.source) as descriptor:
            size = os.fstat(descriptor).st_size
            speed = attempt.observations.bytes_per_second or _sampled_speed(descriptor, size)
    except Vanished as error:
        raise not_found(attempt.source) from error
    return size / speed


def _sampled_speed(descriptor: int, size: int) -> float:
    started = time.monotonic()
    read = 0
    for number in range(_SAMPLES):
        read += len(os.pread(descriptor, _SAMPLE_BYTES, size * number // _SAMPLES))
    return max(read, HEADER_BYTES) / max(time.monotonic() - started, 1e-6)
