"""Speed of packing and unpacking archives, and their size, compared with zlib at its default level.

    python -m benchmarks.archive [--megabytes 100] [--write]

The sample is a database of made-up but believable events, agents and workflows, and its SQL dump, as in a backup.
`--write` puts the figures into benchmarks/README.md.
"""

import argparse
import json
import os
import platform
import random
import shutil
import sqlite3
import tempfile
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from isal import igzip_threaded

from benchmarks.readme import write_section
from sqlitevault.archive.members import Member, describe
from sqlitevault.archive.unpacking import unpack
from sqlitevault.archive.writing import LEVEL, write_archive
from sqlitevault.catalog.manifest import Manifest, Scope, Source, Tool
from sqlitevault.ground.facts import Tier

BLOCK = 1 << 20
HEADING = "## Archive"
WORDS = [
    *("deploy", "pipeline", "agent", "workflow", "started", "finished", "failed", "retry", "rollback", "health"),
    *("check", "approved", "rejected", "timeout", "kubernetes", "container", "image", "build", "test", "release"),
    *("scale", "cluster", "node", "memory", "cpu", "disk", "network", "latency"),
]


@dataclass(frozen=True, slots=True)
class Figure:
    """One way to pack, or a whole operation: seconds for the sample, and the packed bytes (0: nothing is packed)."""

    name: str
    seconds: float
    packed: int = 0


class Counter:
    """A file that only counts its bytes."""

    def __init__(self) -> None:
        """Start at zero."""
        self.bytes = 0

    def write(self, data: bytes) -> int:
        """Count."""
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""


def fill_events(connection: sqlite3.Connection, megabytes: int) -> None:
    """Fill a table; the database and its dump together have about this size."""
    rng = random.Random(1)
    connection.execute("CREATE TABLE events(id TEXT PRIMARY KEY, type TEXT, source TEXT, data TEXT, created_at TEXT)")
    connection.execute("CREATE INDEX by_type ON events(type, created_at)")
    connection.executemany("INSERT INTO events VALUES(?,?,?,?,?)", (_event(rng, n) for n in range(megabytes * 1450)))


def make_sample(folder: Path, megabytes: int) -> list[Member]:
    """Make a database and its dump, together of about this size."""
    database = folder / "devops_hub.db"
    connection = sqlite3.connect(database)
    with connection:
        fill_events(connection, megabytes)
    dump = folder / "devops_hub.sql"
    with dump.open("w") as file:
        file.writelines(f"{line}\n" for line in connection.iterdump())
    connection.close()
    return [Member(path.name, path) for path in (database, dump)]


def _event(rng: random.Random, number: int) -> tuple[str, str, str, str, str]:
    data = {
        "agent_id": f"agent-{rng.randrange(40)}",
        "duration_ms": rng.randrange(100_000),
        "message": " ".join(rng.choices(WORDS, k=rng.randrange(4, 14))),
        "trace": f"{rng.getrandbits(64):016x}",
    }
    kind = rng.choice(["agent.started", "agent.failed", "workflow.step", "workflow.finished", "hitl.requested"])
    moment = datetime.fromtimestamp(1_760_000_000 + number * 7, UTC)
    return (
        str(uuid.UUID(int=rng.getrandbits(128))),
        kind,
        rng.choice(["api", "scheduler"]),
        json.dumps(data),
        str(moment),
    )


def chunks(data: bytes) -> Iterator[bytes]:
    """Yield the data in blocks, as a file is read."""
    for at in range(0, len(data), BLOCK):
        yield data[at : at + BLOCK]


def by_zlib(data: bytes, level: int) -> int:
    """Compress with the standard library."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, 31)
    return sum(len(compressor.compress(part)) for part in chunks(data)) + len(compressor.flush())


def by_isal(data: bytes, level: int, threads: int) -> int:
    """Compress with ISA-L, as archives are."""
    counter = Counter()
    with igzip_threaded.open(  # type: ignore[no-untyped-call]
        counter, "wb", compresslevel=level, threads=threads, block_size=BLOCK
    ) as stream:
        for part in chunks(data):
            stream.write(part)
    return counter.bytes


def timed(name: str, work: Callable[[], int]) -> Figure:
    """Return the best of three times: other work on the machine only adds to a time."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        packed = work()
        seconds.append(time.perf_counter() - started)
    return Figure(name, min(seconds), packed)


def measure(folder: Path, megabytes: int) -> tuple[int, list[Figure]]:
    """Measure everything in one run; return the figures and the sample's size."""
    members = make_sample(folder, megabytes)
    data = b"".join(member.source.read_bytes() for member in members)
    threads = min(4, os.cpu_count() or 1)
    figures = [timed("zlib, level 6", lambda: by_zlib(data, 6)), timed("zlib, level 1", lambda: by_zlib(data, 1))]
    for level in range(4):
        for count in sorted({1, threads}):
            name = f"ISA-L, level {level}, {count} thread{'s' * (count > 1)}"
            figures.append(timed(name, lambda level=level, count=count: by_isal(data, level, count)))  # type: ignore[misc]
    return len(data), figures + whole_operations(folder, members)


def whole_operations(folder: Path, members: list[Member]) -> list[Figure]:
    """Pack and unpack as a backup and a restore do, with hashing, tar and disk writes."""
    manifest = Manifest(
        backup_id="devops_hub_backup_20260131_020000",
        created_at=datetime(2026, 1, 31, 2, tzinfo=UTC),
        tier=Tier.MANUAL,
        scope=Scope.DATABASE,
        source=Source(name="devops_hub", path="data/devops_hub.db", host="benchmark"),
        files=describe(members),
        tool=Tool(version="1.0.0"),
    )
    target = folder / manifest.archive_name
    packing = timed(
        f"`write_archive` (level {LEVEL}, tar, checksums, fsync)",
        lambda: write_archive(manifest, members, target).bytes,
    )
    expected = manifest.model_copy(update={"archive": None})
    unpacking = timed(
        "`unpack` (every check, files written and synced)", lambda: _unpack(target, folder / "into", expected)
    )
    return [packing, unpacking]


def _unpack(archive: Path, into: Path, expected: Manifest) -> int:
    unpack(archive, into, expected=expected)
    shutil.rmtree(into)
    return 0


def table(size: int, figures: list[Figure]) -> str:
    """Return the figures as a Markdown table; the others are compared with the first."""
    base = figures[0]
    lines = ["| operation | MB/s | against zlib 6 | ratio | against zlib 6 |", "| --- | ---: | ---: | ---: | ---: |"]
    for figure in figures:
        speed, ratio = size / figure.seconds / 1e6, size / figure.packed if figure.packed else 0
        times = f"{base.seconds / figure.seconds:.1f} x"
        shrink = f"{ratio:.2f} | {100 * ratio * base.packed / size:.0f} %" if ratio else " | "
        lines.append(f"| {figure.name} | {speed:.0f} | {times if figure.packed else ''} | {shrink} |")
    return "\n".join(lines)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="put the figures into benchmarks/README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size, figures = measure(Path(folder), options.megabytes)
    text = (
        f"`python -m benchmarks.archive --megabytes {options.megabytes} --write` on {os.cpu_count()} cores, Python "
        f"{platform.python_version()}; a database and its SQL dump, "
        f"{size / 1e6:.0f} MB, all in one run, the best of three measurements.\n\n"
        f"{table(size, figures)}\n\n"
        f"Archives are packed at level {LEVEL}: level 3 saves almost no space and takes more than twice the time."
    )
    print(text)
    if options.write:
        write_section(HEADING, text)


if __name__ == "__main__":
    main()
