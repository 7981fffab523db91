"""One attempt at a copy: its inputs, what it observed, and the exceptions that end it."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlitevault.ground.steps import OnBytes, ignore_bytes
from sqlitevault.snapshot.options import SnapshotOptions


class Again(Exception):
    """This attempt gave no copy that can be trusted; another may succeed. The message says why."""


class TimeUp(Again):
    """The time ran out in this attempt; an earlier one may have shown why no copy is possible."""


@dataclass(slots=True)
class Observations:
    """Facts from the attempts at one snapshot so far.

    Attributes:
        bytes_per_second: speed of the last copy, complete or not; None before the first.
        longest_hold: the longest time in seconds that a lock which stops writers was held.
        most_bytes: bytes of the database copied in the attempt that got furthest.
    """

    bytes_per_second: float | None = None
    longest_hold: float = 0.0
    most_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """The inputs of a protocol.

    Attributes:
        source: the live database, symbolic links resolved; never written.
        copy: the path of the copy; its journal or write-ahead log goes beside it, as SQLite names them.
        deadline: of the whole snapshot, by `time.monotonic`.
    """

    source: Path
    copy: Path
    options: SnapshotOptions
    deadline: float
    observations: Observations = field(default_factory=Observations)
    on_bytes: OnBytes = ignore_bytes

    def step(self, name: str) -> None:
        """Report that a step is reached.

        Raises:
            TimeUp: the deadline has passed.
        """
        self.options.on_step(name)
        if time.monotonic() > self.deadline:
            raise TimeUp("the time is up")

    def advance(self, copied: int) -> None:
        """Report progress: this attempt has copied `copied` bytes of the database. No byte is reported twice."""
        new = copied - self.observations.most_bytes
        if new > 0:
            self.observations.most_bytes = copied
            self.on_bytes(new)

    def lock_deadline(self) -> float:
        """Return when to stop waiting for a lock, by `time.monotonic`."""
        return min(self.deadline, time.monotonic() + self.options.lock_wait_seconds)


@dataclass(frozen=True, slots=True)
class Copied:
    """Files beside the copy that SQLite must recover.

    Attributes:
        hot_journal: a journal that undoes half a transaction.
        wal_frames: pages in the write-ahead log, not all of them in the database file; 0 without a log.
        in_use: whether a process had the source open.
    """

    hot_journal: bool = False
    wal_frames: int = 0
    in_use: bool = True
