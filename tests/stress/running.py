"""Snapshots of a database under constant writes, each checked."""

import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlitevault.ground.errors import SourceBusy
from sqlitevault.snapshot import SnapshotOptions, take_snapshot
from sqlitevault.snapshot.fresh import beside
from tests.stress.workload import create, problem
from tests.stress.writers import Writers

MODES = ("delete", "truncate", "persist", "wal")
NAIVE = "naive"

_ROUND_SECONDS = 15.0
_PAGE_SIZES = (512, 1024, 4096, 4096, 4096, 8192, 65536)
_WRITERS = 3
_START_SECONDS = 0.2
_SHOWN = 10
_JITTER = 0.25
_LONGEST_JITTER_SECONDS = 0.003
_BASE = SnapshotOptions(timeout_seconds=20.0, quiet_seconds=0.03, pause_seconds=0.02, chunk_bytes=64 << 10)
# Chosen by the product, and each method by itself.
_VARIANTS = (
    _BASE,
    replace(_BASE, optimistic_attempts=100, locked_attempts=0, pin_attempts=0, timeout_seconds=3.0),
    replace(_BASE, optimistic_attempts=0, pin_attempts=100),
)


@dataclass(slots=True)
class Tally:
    """Outcomes of the snapshots, by journal mode and method."""

    snapshots: Counter[tuple[str, str]] = field(default_factory=Counter)
    retries: Counter[tuple[str, str]] = field(default_factory=Counter)
    recovered: Counter[tuple[str, str]] = field(default_factory=Counter)
    bad: Counter[tuple[str, str]] = field(default_factory=Counter)
    gave_up: Counter[str] = field(default_factory=Counter)
    killed: int = 0
    longest_stall: float = 0.0
    problems: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Return one line for each mode and method, the sums, and the first problems."""
        lines = [f"{'mode':10} {'method':22}{'snapshots':>10}{'bad':>6}{'retries':>9}{'recovered':>11}"]
        for key in sorted(self.snapshots):
            counts = (self.snapshots[key], self.bad[key], self.retries[key], self.recovered[key])
            lines.append(f"{key[0]:10} {key[1]:22}{counts[0]:>10}{counts[1]:>6}{counts[2]:>9}{counts[3]:>11}")
        counters = (self.snapshots, self.bad, self.retries, self.recovered)
        sums = [counter.total() for counter in counters]
        lines.append(f"{'all':10} {'':22}{sums[0]:>10}{sums[1]:>6}{sums[2]:>9}{sums[3]:>11}")
        lines.append(f"writers killed: {self.killed}; longest writer stall: {self.longest_stall:.3f} s")
        lines.append(f"gave up in time (SourceBusy, no copy handed out): {self.gave_up.total()} {dict(self.gave_up)}")
        lines += [f"BAD {text}" for text in self.problems[:_SHOWN]]
        return "\n".join(lines) + "\n"


def run_stress(
    seconds: float, seed: int, *, modes: tuple[str, ...] = MODES, naive: bool = False, folder: Path | None = None
) -> Tally:
    """Run all modes in turn for that many seconds, each round on a new database.

    Args:
        seconds: total time of snapshots, without the creation of databases, so that a slow machine skips no mode.
        seed: for the choices of the writers and of this process; scheduling by the system still differs.
        modes: journal modes to test.
        naive: make plain copies like `cp` instead, which must be found bad.
        folder: parent folder of the databases.
    """
    tally = Tally()
    randomness = random.Random(seed)
    rounds = max(1, round(seconds / _ROUND_SECONDS / len(modes)))
    for number in range(rounds * len(modes)):
        mode = modes[number % len(modes)]
        with tempfile.TemporaryDirectory(dir=folder) as place:
            _Round(Path(place), mode, randomness, tally, naive=naive).run(seconds / rounds / len(modes))
    return tally


class _Round:
    """One database, its writers, and snapshots of it until the time is up."""

    def __init__(self, place: Path, mode: str, randomness: random.Random, tally: Tally, *, naive: bool) -> None:
        self._source = place / "live" / "app.db"
        self._copy = place / "copies" / "copy.db"
        self._mode = mode
        self._random = randomness
        self._tally = tally
        self._naive = naive
        self._source.parent.mkdir()
        self._copy.parent.mkdir()

    def run(self, seconds: float) -> None:
        page_size = self._random.choice(_PAGE_SIZES)
        create(self._source, self._mode, page_size=page_size, auto_vacuum=self._random.randrange(3))
        seed = self._random.randrange(1 << 30)
        with Writers(self._source, self._mode, count=_WRITERS, seed=seed) as writers:
            time.sleep(_START_SECONDS)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                self._one(writers)
                writers.tend()
            self._tally.killed += writers.killed

    def _one(self, writers: Writers) -> None:
        committed = writers.board.highest()
        method = self._copy_naively() if self._naive else self._snapshot()
        if method is None:
            return
        key = (self._mode, method)
        self._tally.snapshots[key] += 1
        found = problem(self._copy, committed)
        if found:
            self._tally.bad[key] += 1
            self._tally.problems.append(f"{self._mode} {method}: {found}")
        for suffix in ("", "-wal", "-shm", "-journal"):
            beside(self._copy, suffix).unlink(missing_ok=True)

    def _snapshot(self) -> str | None:
        options = replace(
            self._random.choice(_VARIANTS), threads=self._random.choice((1, 4)), on_step=self._sleep_now_and_then
        )
        try:
            taken = take_snapshot(self._source, self._copy, options)
        except SourceBusy:
            self._tally.gave_up[self._mode] += 1
            return None
        key = (self._mode, taken.method)
        self._tally.retries[key] += taken.attempts - 1
        self._tally.recovered[key] += taken.recovered
        self._tally.longest_stall = max(self._tally.longest_stall, taken.writer_stall_seconds)
        return taken.method

    def _sleep_now_and_then(self, _step: str) -> None:
        if self._random.random() < _JITTER:
            time.sleep(self._random.uniform(0, _LONGEST_JITTER_SECONDS))

    def _copy_naively(self) -> str:
        for suffix in ("", "-wal", "-journal"):
            source = beside(self._source, suffix)
            try:
                content = source.read_bytes()
            except FileNotFoundError:
                continue
            beside(self._copy, suffix).write_bytes(content)
            self._sleep_now_and_then("copied")
        return NAIVE
