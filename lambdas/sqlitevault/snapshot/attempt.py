"""One attempt at a copy: what it works with, and the ways in which it may have to be given up."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlitevault.snapshot.options import OnBytes, SnapshotOptions, ignore_bytes


class Again(Exception):
    """The copy of this attempt cannot be trusted or made; another attempt may succeed. The message says why."""


class TimeUp(Again):
    """The time ran out in this attempt; an earlier one may have shown why there is no copy."""


@dataclass(slots=True)
class Observations:
    """What the attempts at one snapshot have shown so far.

    Attributes:
        bytes_per_second: speed of the last copy, also of one broken off; None before the first.
        longest_hold: seconds that a lock which stops writers was held at a stretch.
        most_bytes: of the database, copied in the attempt that came furthest.
    """

    bytes_per_second: float | None = None
    longest_hold: float = 0.0
    most_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a protocol works with.

    Attributes:
        source: the live database, symbolic links resolved; never written.
        copy: where the copy goes; its journal or write-ahead log go beside it, as SQLite names them.
        deadline: of the whole snapshot, by `time.monotonic`.
    """

    source: Path
    copy: Path
    options: SnapshotOptions
    deadline: float
    observations: Observations = field(default_factory=Observations)
    on_bytes: OnBytes = ignore_bytes

    def step(self, name: str) -> None:
        """Tell whoever listens that a step is reached.

        Raises:
            TimeUp: the deadline is past.
        """
        self.options.on_step(name)
        if time.monotonic() > self.deadline:
            raise TimeUp("the time is up")

    def advance(self, copied: int) -> None:
        """Report progress: `copied` bytes of the database by this attempt. A repeated byte is not reported twice."""
        new = copied - self.observations.most_bytes
        if new > 0:
            self.observations.most_bytes = copied
            self.on_bytes(new)

    def lock_deadline(self) -> float:
        """Until when to wait for a lock, by `time.monotonic`."""
        return min(self.deadline, time.monotonic() + self.options.lock_wait_seconds)


@dataclass(frozen=True, slots=True)
class Copied:
    """What a protocol left beside the copy for SQLite to recover.

    Attributes:
        hot_journal: a journal that undoes half a transaction.
        wal_frames: pages in the write-ahead log that are not all in the database file; 0 if there is no log.
        in_use: whether somebody had the source open.
    """

    hot_journal: bool = False
    wal_frames: int = 0
    in_use: bool = True
