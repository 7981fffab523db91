"""How fast the SQL dump is, against the sqlite3 command's `.dump` and Python's `iterdump`, and what they lose.

    python -m benchmarks.dump [--megabytes 100] [--runs 5] [--write]

The sample is the database of benchmarks/archive.py, which all three dump without loss, so that the work is the same.
The ways take turns in each run, and the median counts. `--write` puts the figures into benchmarks/README.md.
"""

import argparse
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import apsw

from benchmarks import archive
from benchmarks.readme import write_section
from sqlitevault.database import read_tables
from sqlitevault.dump import load_dump, write_dump

HEADING = "## SQL dump"


@dataclass(frozen=True, slots=True)
class Figure:
    """One way to dump or load: the median of its seconds, and what it is compared with."""

    name: str
    seconds: float
    against: str


def by_tool(database: Path, target: Path) -> None:
    """Dump with the command-line tool."""
    with target.open("wb") as out:
        subprocess.run(["sqlite3", database, ".dump"], stdout=out, check=True)


def by_iterdump(database: Path, target: Path) -> None:
    """Dump with the standard library."""
    with closing(sqlite3.connect(database)) as connection, target.open("w") as out:
        out.writelines(f"{line}\n" for line in connection.iterdump())


def load_by_tool(text: Path, target: Path) -> None:
    """Load with the command-line tool."""
    target.unlink(missing_ok=True)
    with text.open("rb") as statements:
        subprocess.run(["sqlite3", target], stdin=statements, check=True)


def load_by_library(text: Path, target: Path) -> None:
    """Load with the standard library, the whole text in memory."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(target)) as connection:
        connection.executescript(text.read_text())


def medians(ways: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Take turns, so that other work on the machine hits all alike; return the median seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, work in ways.items():
            started = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def measure(folder: Path, megabytes: int, runs: int) -> tuple[int, list[Figure]]:
    """Take all figures in one run; return the database's size with them."""
    archive.make_sample(folder, megabytes)
    database, text = folder / "devops_hub.db", folder / "ours.sql"
    tool = shutil.which("sqlite3") is not None
    dumps: dict[str, Callable[[], object]] = {"`write_dump`": lambda: write_dump(database, text)}
    loads: dict[str, Callable[[], object]] = {"`load_dump`": lambda: load_dump(text, folder / "ours.db")}
    if tool:
        dumps["`sqlite3 .dump`"] = lambda: by_tool(database, folder / "tool.sql")
        loads["`sqlite3 < dump.sql`"] = lambda: load_by_tool(text, folder / "tool.db")
    dumps["`iterdump`"] = lambda: by_iterdump(database, folder / "library.sql")
    loads["`executescript`"] = lambda: load_by_library(text, folder / "library.db")
    digests: dict[str, Callable[[], object]] = {"`read_tables` (content digests)": lambda: read_tables(database)}
    found = [compared(medians(ways, runs)) for ways in (dumps, loads, digests)]
    return database.stat().st_size, [figure for figures in found for figure in figures]


def compared(seconds: dict[str, float]) -> list[Figure]:
    """Say of each other way how many times as long as ours it takes."""
    ours = next(iter(seconds.values()))
    return [Figure(name, taken, f"{taken / ours:.2f} x" if taken != ours else "") for name, taken in seconds.items()]


def table(size: int, figures: list[Figure]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| what | seconds | MB/s | time against ours |", "| --- | ---: | ---: | ---: |"]
    lines += [
        f"| {figure.name} | {figure.seconds:.2f} | {size / figure.seconds / 1e6:.0f} | {figure.against} |"
        for figure in figures
    ]
    return "\n".join(lines)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the figures into benchmarks/README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size, figures = measure(Path(folder), options.megabytes, options.runs)
    text = (
        f"`python -m benchmarks.dump --megabytes {options.megabytes} --write` on {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, SQLite {apsw.sqlite_lib_version()} here and {sqlite3.sqlite_version} in the "
        f"standard library; a database of {size / 1e6:.0f} MB, dumped and loaded in turns, the median of "
        f"{options.runs} runs. MB are the database's.\n\n{table(size, figures)}\n\n"
        "`write_dump` and `load_dump` also sync to disk. The sample is one that all can dump; what the others "
        "lose from other databases and `write_dump` keeps is in tests/unit/test_dump_torture.py."
    )
    print(text)
    if options.write:
        write_section(HEADING, text)


if __name__ == "__main__":
    main()
