"""Speed of snapshots compared with `cp`, and how long they block a writer.

    python -m benchmarks.snapshot [--megabytes 1000] [--seed 1] [--folder DIR] [--write]

Each round copies the same database with `cp`, with `cp` and a sync, and by every method, side by side; the best of
three rounds counts, because other work on the machine only adds to a time. Then each method copies while another
process commits 50 times a second, and the longest of its commits counts. `--write` puts the figures into
benchmarks/README.md.
"""

import argparse
import multiprocessing
import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.readme import write_section
from sqlitevault.ground.errors import SourceBusy
from sqlitevault.snapshot import Method, SnapshotOptions, SnapshotResult, take_snapshot

HEADING = "## Snapshot"
ROUNDS = 3
MEMORY = Path("/dev/shm")  # noqa: S108 - the one place, and only for copies
PAUSE_SECONDS = 0.02
LEAST_WATCHED_SECONDS = 2.0
BATCH = 1000
# As backups take them: the copy lies in scratch and need not survive a power failure.
NEVER = SnapshotOptions(optimistic_attempts=0, locked_attempts=0, pin_attempts=0, durable=False, timeout_seconds=10)
METHODS = {
    Method.ROLLBACK_OPTIMISTIC: ("delete", replace(NEVER, optimistic_attempts=3)),
    Method.ROLLBACK_LOCKED: ("delete", replace(NEVER, locked_attempts=10)),
    Method.WAL_PINNED: ("wal", replace(NEVER, pin_attempts=3)),
    Method.WAL_LOCK_FREE: ("wal", NEVER),
}
BUSY = tuple(method for method in METHODS if method is not Method.ROLLBACK_OPTIMISTIC)  # which waits for a quiet moment


@dataclass(frozen=True, slots=True)
class Speed:
    """One way to copy, and its best time."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Copied:
    """The seconds of the slowest of some copies, and the longest stall that one reported."""

    seconds: float
    stall: float


@dataclass(frozen=True, slots=True)
class Stall:
    """The commits while copies were made: how many, and the seconds of the longest."""

    method: str
    commits: int
    longest: float
    copied: Copied


def make_database(path: Path, megabytes: int, seed: int) -> None:
    """Make a database of about this size, with an index."""
    rng = random.Random(seed)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, agent INTEGER, data BLOB)")
        connection.execute("CREATE INDEX by_agent ON events (agent)")
        connection.execute("BEGIN")
        for _ in range(megabytes):
            rows = ((rng.randrange(1000), rng.randbytes(970)) for _ in range(BATCH))
            connection.executemany("INSERT INTO events (agent, data) VALUES (?, ?)", rows)
        connection.execute("COMMIT")


def set_mode(database: Path, mode: str) -> None:
    """Switch the journal mode, and leave no log behind."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")


def by_cp(source: Path, target: Path, *, sync: bool) -> None:
    """Copy with `cp`."""
    subprocess.run(["cp", source, target], check=True)
    if sync:
        descriptor = os.open(target, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def by_method(source: Path, target: Path, method: Method) -> SnapshotResult:
    """Take a snapshot with this method and no other."""
    result = take_snapshot(source, target, METHODS[method][1])
    if result.method != method:
        raise SystemExit(f"asked for {method}, got {result.method}")
    return result


def speeds(source: Path, target: Path) -> Iterator[Speed]:
    """Copy the idle database in every way, in turn."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, mode, copy in _ways(source, target):
            set_mode(source, mode)
            os.sync()  # otherwise this copy would wait for writes of the previous one
            with held_open(source) if name == Method.WAL_PINNED else nothing():
                took = timed(copy)
            target.unlink()
            best[name] = min(took, best.get(name, took))
    yield from (Speed(name, seconds) for name, seconds in best.items())


def _ways(source: Path, target: Path) -> Iterator[tuple[str, str, Callable[[], object]]]:
    yield "`cp`", "delete", lambda: by_cp(source, target, sync=False)
    yield "`cp` and fsync", "delete", lambda: by_cp(source, target, sync=True)
    for method, (mode, _) in METHODS.items():
        yield str(method), mode, lambda method=method: by_method(source, target, method)  # type: ignore[misc]


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def nothing() -> Iterator[None]:
    """Do nothing while the context lasts."""
    yield


@contextmanager
def held_open(source: Path) -> Iterator[None]:
    """Hold the database open in another process, as the application would: a pin needs its -shm file."""
    with writer(source, pause=60.0):
        yield


@contextmanager
def writer(source: Path, *, pause: float = PAUSE_SECONDS) -> Iterator[Callable[[], list[float]]]:
    """Run a process that commits all the time; yield a function that ends it and returns the seconds of each commit."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_commit, args=(source, theirs, pause), daemon=True)
    process.start()
    theirs.close()
    ours.recv()

    def stop() -> list[float]:
        ours.send("stop")
        took: list[float] = ours.recv()
        return took

    try:
        yield stop
    finally:
        process.kill()
        process.join()


def _commit(source: Path, pipe: Connection, pause: float) -> None:
    took: list[float] = []
    with closing(sqlite3.connect(source, isolation_level=None, timeout=60)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        rows = connection.execute("SELECT max(id) FROM events").fetchone()[0]
        pipe.send("ready")
        while not pipe.poll(pause):
            took.append(timed(lambda: _one(connection, rows)))
    pipe.send(took)


def _one(connection: sqlite3.Connection, rows: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE events SET agent = agent + 1 WHERE id = ?", (random.randint(1, rows),))
    connection.execute("INSERT INTO events (agent, data) VALUES (1, zeroblob(500))")
    connection.execute("COMMIT")


def stalls(source: Path, target: Path) -> Iterator[Stall]:
    """Copy a busy database in every way; before each mode, measure how long commits take without a copy.

    Copies go first to the disk of the database, which they share with the writer's syncs, then to one in memory: a
    function's scratch is not on the file system of the database.
    """
    for mode in ("delete", "wal"):
        set_mode(source, mode)
        yield _watched(f"nothing ({mode})", source, _pause)
        for place in (target, *_elsewhere(target)):
            where = "same disk" if place is target else "another disk"
            yield _watched(f"`cp` ({mode}), {where}", source, partial(_repeated, partial(_plain, source), place))
            for method in (method for method in BUSY if METHODS[method][0] == mode):
                copy = partial(_repeated, partial(_by_method, source, method), place)
                yield _watched(f"{method}, {where}", source, copy)


def _elsewhere(target: Path) -> list[Path]:
    return [MEMORY / f"{target.parent.name}-{target.name}"] if MEMORY.is_dir() else []


def _watched(name: str, source: Path, work: Callable[[], Copied]) -> Stall:
    os.sync()
    with writer(source) as stop:
        time.sleep(0.1)
        copied = work()
        took = stop()
    return Stall(name, len(took), max(took), copied)


def _pause() -> Copied:
    time.sleep(LEAST_WATCHED_SECONDS)
    return Copied(0.0, 0.0)


def _plain(source: Path, target: Path) -> float:
    by_cp(source, target, sync=False)
    return 0.0


def _by_method(source: Path, method: Method, target: Path) -> float:
    try:
        return by_method(source, target, method).writer_stall_seconds
    except SourceBusy as error:
        print(f"{method} gave up: {error}", file=sys.stderr)
        return 0.0


def _repeated(copy: Callable[[Path], float], target: Path) -> Copied:
    """Copy for a while, with a pause after each, as backups have; return the worst of all."""
    until = time.monotonic() + LEAST_WATCHED_SECONDS
    worst = Copied(0.0, 0.0)
    while time.monotonic() < until:
        started = time.perf_counter()
        stall = copy(target)
        worst = Copied(max(worst.seconds, time.perf_counter() - started), max(worst.stall, stall))
        target.unlink(missing_ok=True)
        time.sleep(0.2)
    return worst


def speed_table(size: int, figures: list[Speed]) -> str:
    """Return the speeds as a Markdown table; the others are compared with the first two."""
    plain, synced = figures[:2]
    lines = ["| copy | seconds | MB/s | against `cp` | against `cp` and fsync |", "| --- | ---: | ---: | ---: | ---: |"]
    for figure in figures:
        against = f"{plain.seconds / figure.seconds:.2f} x | {synced.seconds / figure.seconds:.2f} x"
        lines.append(f"| {figure.name} | {figure.seconds:.2f} | {size / figure.seconds / 1e6:.0f} | {against} |")
    return "\n".join(lines)


def stall_table(figures: list[Stall]) -> str:
    """Return the stalls as a Markdown table."""
    lines = [
        "| copy meanwhile | seconds | commits | longest commit | reported stall |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for figure in figures:
        seconds = f"{figure.copied.seconds:.2f}" if figure.copied.seconds else ""
        reported = f"{1000 * figure.copied.stall:.0f} ms" if figure.method.startswith(tuple(METHODS)) else ""
        lines.append(
            f"| {figure.method} | {seconds} | {figure.commits} | {1000 * figure.longest:.0f} ms | {reported} |"
        )
    return "\n".join(lines)


def measure(folder: Path, megabytes: int, seed: int) -> str:
    """Return both tables."""
    source, target = folder / "live.db", folder / "copy.db"
    make_database(source, megabytes, seed)
    os.sync()
    by_cp(source, target, sync=True)  # warms the cache for all of them
    target.unlink()
    size = source.stat().st_size
    fast = speed_table(size, list(speeds(source, target)))
    held = stall_table(list(stalls(source, target)))
    budget = SnapshotOptions().max_writer_stall_seconds
    return (
        f"`make bench MEGABYTES={megabytes}` on {os.cpu_count()} cores, Python {platform.python_version()}; a database "
        f"of {size / 1e6:.0f} MB on a local disk, in the page cache, all in one run, the best of {ROUNDS} rounds.\n\n"
        f"{fast}\n\nMeasured as backups copy: not synced, because the copy is in scratch space (`durable=False`).\n\n"
        f"While another process commits {1 / PAUSE_SECONDS:.0f} times a second (`synchronous=NORMAL`; {budget:.0f} s "
        f"of stall are allowed in rollback mode, none in WAL mode): the slowest copy and the longest commit.\n\n{held}"
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder",
        type=Path,
        default=None,
        help="folder for the databases; by default the system's for temporary files",
    )
    parser.add_argument("--write", action="store_true", help="put the figures into benchmarks/README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        text = measure(Path(folder), options.megabytes, options.seed)
    print(text)
    if options.write:
        write_section(HEADING, text)


if __name__ == "__main__":
    main()
