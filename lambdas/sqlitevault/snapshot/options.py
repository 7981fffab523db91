"""Limits and results of snapshots. Times are in seconds, sizes in bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sqlitevault.database.header import JournalMode
from sqlitevault.ground.settings import Settings


class Method(StrEnum):
    """Copy methods; docs/consistency.md proves each correct."""

    ROLLBACK_OPTIMISTIC = "rollback-optimistic"
    ROLLBACK_LOCKED = "rollback-locked"
    WAL_PINNED = "wal-pinned"
    WAL_LOCK_FREE = "wal-lock-free"


@dataclass(frozen=True, slots=True)
class SnapshotOptions:
    """Limits of one snapshot.

    Attributes:
        max_writer_stall_seconds: the longest time a writer may be blocked; SQLite's usual busy timeout is 5 seconds.
        timeout_seconds: the snapshot gives up after this time.
        max_attempts: the snapshot gives up after this many attempts of all methods together.
        optimistic_attempts: attempts without locks before the lock is taken, if its projected stall is allowed.
        locked_attempts: attempts with the SHARED lock.
        pin_attempts: attempts with read locks in WAL mode before continuing without locks.
        lock_wait_seconds: how long one attempt waits for a lock that a writer holds.
        quiet_seconds: how long a file must stay unchanged before its times are trusted to show the next write; longer
            than the granularity of the server's timestamps.
        pause_seconds: the longest pause between two attempts.
        chunk_bytes: bytes that each of `threads` reads at a time.
        durable: sync the copy to its disk. That is half the time of a local copy, and useless if the copy does not
            outlive this process. A copy that SQLite recovers is synced in any case.
        on_step: called with the name of every protocol step as it is reached; tests interfere here.
    """

    max_writer_stall_seconds: float = 4.0
    timeout_seconds: float = 240.0
    max_attempts: int = 500
    optimistic_attempts: int = 3
    locked_attempts: int = 10
    pin_attempts: int = 3
    lock_wait_seconds: float = 5.0
    quiet_seconds: float = 0.05
    pause_seconds: float = 0.25
    chunk_bytes: int = 2 << 20
    threads: int = 4
    durable: bool = True
    on_step: Callable[[str], None] = lambda _step: None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the limits as set, for a snapshot in scratch, which does not outlive this process."""
        return cls(
            max_writer_stall_seconds=settings.max_writer_stall_seconds,
            timeout_seconds=settings.snapshot_timeout_seconds,
            durable=False,
        )


DEFAULTS = SnapshotOptions()


@dataclass(frozen=True, slots=True)
class SnapshotResult:
    """How a snapshot was made.

    Attributes:
        method: the value of a `Method`.
        attempts: of all methods together; the last one succeeded.
        seconds: from the call to the synced file.
        writer_stall_seconds: the longest time a writer may have been blocked, failed attempts included.
        journal_mode: of the source; the snapshot itself is always in rollback mode.
        recovered: whether a crashed writer's hot journal or write-ahead log was recovered on the copy.
    """

    method: str
    attempts: int
    seconds: float
    writer_stall_seconds: float
    journal_mode: JournalMode
    recovered: bool
