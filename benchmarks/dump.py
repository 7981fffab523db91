"""Speed of the SQL dump, compared with the sqlite3 command's `.dump` and Python's `iterdump`, on data of several kinds.

    python -m benchmarks.dump [--megabytes 100] [--runs 5] [--write]

Every program dumps the samples without loss, so all do the same work. The command is measured twice: as installed, if
it is, and as part of apsw, which contains the SQLite that `write_dump` uses. The programs take turns in each run, and
the median of their ratios counts. `--write` puts the figures into benchmarks/README.md.
"""

import argparse
import os
import platform
import random
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from operator import truediv
from pathlib import Path

import apsw
import apsw.sqlite_extra

from benchmarks import archive
from benchmarks.readme import write_section
from sqlitevault.database.content import read_tables
from sqlitevault.dump.load import load_dump
from sqlitevault.dump.write import write_dump

HEADING = "## SQL dump"


ROWS = 150_000
Ways = dict[str, Callable[[], object]]
Times = dict[str, list[float]]


def events(connection: sqlite3.Connection, _: random.Random, megabytes: int) -> None:
    """Fill the table of benchmarks/archive.py."""
    archive.fill_events(connection, megabytes)


def numbers(connection: sqlite3.Connection, rng: random.Random, _: int) -> None:
    """Integers and reals, as in measurements or a ledger."""
    connection.execute("CREATE TABLE numbers (id INTEGER PRIMARY KEY, account INT, amount INT, at INT, rate REAL)")
    rows = ((n, rng.randrange(5000), rng.randrange(10**6), 1_700_000_000 + n, rng.random()) for n in range(2 * ROWS))
    connection.executemany("INSERT INTO numbers VALUES (?, ?, ?, ?, ?)", rows)


def documents(connection: sqlite3.Connection, _: random.Random, __: int) -> None:
    """Long text with quotes and letters beyond ASCII."""
    connection.execute("CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT, body TEXT)")
    rows = ((n, f"L'été n° {n}", "Ça, c'est l'histoire: größer, żółć.\n" * 30) for n in range(ROWS // 6))
    connection.executemany("INSERT INTO documents VALUES (?, ?, ?)", rows)


def windows_text(connection: sqlite3.Connection, _: random.Random, __: int) -> None:
    """Text whose lines end in a carriage return and a line feed."""
    connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
    rows = ((n, f"note {n}: a line of text\r\n" * 12) for n in range(ROWS // 2))
    connection.executemany("INSERT INTO notes VALUES (?, ?)", rows)


def files(connection: sqlite3.Connection, rng: random.Random, _: int) -> None:
    """Blobs of three kilobytes."""
    connection.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, name TEXT, data BLOB)")
    rows = ((n, f"file {n}", rng.randbytes(3000)) for n in range(ROWS // 15))
    connection.executemany("INSERT INTO files VALUES (?, ?, ?)", rows)


def keys(connection: sqlite3.Connection, rng: random.Random, _: int) -> None:
    """A table WITHOUT ROWID."""
    connection.execute("CREATE TABLE keys (key TEXT PRIMARY KEY, value TEXT, used INT) WITHOUT ROWID")
    rows = ((f"{rng.random():.17f}{n}", "some value or other " * 6, n) for n in range(ROWS))
    connection.executemany("INSERT INTO keys VALUES (?, ?, ?)", rows)


def records(connection: sqlite3.Connection, rng: random.Random, _: int) -> None:
    """A table as an object-relational mapper declares it, with columns that are mostly NULL."""
    connection.execute(
        "CREATE TABLE records (id INTEGER NOT NULL PRIMARY KEY, uuid CHAR(32) NOT NULL, name VARCHAR(80), "
        "details JSON, created_at DATETIME, deleted_at DATETIME, active BOOLEAN, parent_id INTEGER, note TEXT)"
    )
    rows = (
        (
            *(n, f"{rng.getrandbits(128):032x}", f"record number {n}", f'{{"step": {n}, "state": "done"}}'),
            *(f"2026-01-01 {n % 24:02}:{n % 60:02}:00.000000", None, n % 2, None if n % 3 else n, None),
        )
        for n in range(ROWS)
    )
    connection.executemany(f"INSERT INTO records VALUES ({', '.join('?' * 9)})", rows)


def pairs(connection: sqlite3.Connection, _: random.Random, __: int) -> None:
    """Rows of a few bytes, WITHOUT ROWID."""
    connection.execute("CREATE TABLE pairs (a INT, b INT, at INT, PRIMARY KEY (a, b)) WITHOUT ROWID")
    connection.executemany(
        "INSERT INTO pairs VALUES (?, ?, ?)", ((n // 7, n % 7, 1_700_000_000 + n) for n in range(2 * ROWS))
    )


def people(connection: sqlite3.Connection, _: random.Random, __: int) -> None:
    """Short text and numbers, with rowids of their own."""
    connection.execute("CREATE TABLE people (code TEXT PRIMARY KEY, name TEXT, age INT, rating REAL, born DATE)")
    rows = (
        (f"P{n:06}", f"Jo O'Neil {n}", n % 90 or None, n % 50 / 10, f"19{n % 90 + 10}-01-{n % 28 + 1:02}")
        for n in range(2 * ROWS)
    )
    connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", rows)


def large(connection: sqlite3.Connection, rng: random.Random, _: int) -> None:
    """Blobs and text of several megabytes."""
    connection.execute("CREATE TABLE large (id INTEGER PRIMARY KEY, name TEXT, data BLOB, body TEXT)")
    rows = ((n, f"file {n}", rng.randbytes(3_000_000), "Ça, c'est l'histoire.\n" * 150_000) for n in range(8))
    connection.executemany("INSERT INTO large VALUES (?, ?, ?, ?)", rows)


SAMPLES = (events, records, people, numbers, pairs, keys, documents, windows_text, files, large)


def by_tool(tool: str, database: Path, target: Path) -> None:
    """Dump with a command-line tool."""
    with target.open("wb") as out:
        subprocess.run([tool, database, ".dump"], stdout=out, check=True)


def by_iterdump(database: Path, target: Path) -> None:
    """Dump with the standard library."""
    with closing(sqlite3.connect(database)) as connection, target.open("w") as out:
        out.writelines(f"{line}\n" for line in connection.iterdump())


def load_by_tool(tool: str, text: Path, target: Path) -> None:
    """Load with a command-line tool."""
    target.unlink(missing_ok=True)
    with text.open("rb") as statements:
        subprocess.run([tool, target], stdin=statements, check=True)


def load_by_library(text: Path, target: Path) -> None:
    """Load with the standard library, the whole text in memory."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(target)) as connection:
        connection.executescript(text.read_text())


def timed(ways: Ways, runs: int, outputs: Iterable[Path] = ()) -> Times:
    """Take turns, so that other work on the machine affects all alike; outputs are removed first, not overwritten."""
    seconds: Times = {name: [] for name in ways}
    for _ in range(runs):
        for name, work in ways.items():
            for output in outputs:
                output.unlink(missing_ok=True)
            started = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def tools() -> dict[str, str]:
    """Return the available sqlite3 commands by name."""
    found = {f"sqlite3 {apsw.sqlite_lib_version()}": apsw.sqlite_extra.path("sqlite3_shell")}
    installed = shutil.which("sqlite3")
    if installed:
        said = subprocess.run([installed, "--version"], capture_output=True, text=True, check=True).stdout
        found = {f"sqlite3 {said.split()[0]}": installed} | found
    return found


def dump_ways(database: Path) -> Ways:
    """Return the ways to dump; ours first."""
    folder = database.parent
    ways: Ways = {"write_dump": lambda: write_dump(database, folder / "ours.sql", durable=False)}
    for name, tool in tools().items():
        ways[name] = partial(by_tool, tool, database, folder / "tool.sql")
    return ways | {"iterdump": lambda: by_iterdump(database, folder / "library.sql")}


def load_ways(text: Path) -> Ways:
    """Return the ways to load what `write_dump` wrote; ours first."""
    folder = text.parent
    ways: Ways = {"load_dump": lambda: load_dump(text, folder / "ours.db", durable=False)}
    for name, tool in tools().items():
        ways[name] = partial(load_by_tool, tool, text, folder / "tool.db")
    return ways | {"executescript": lambda: load_by_library(text, folder / "library.db")}


def make(folder: Path, fill: Callable[[sqlite3.Connection, random.Random, int], None], megabytes: int) -> Path:
    """Make a sample, named after the function that fills it."""
    database = folder / f"{fill.__name__}.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        fill(connection, random.Random(1), megabytes)
    return database


def row(label: str, megabytes: float, seconds: Times) -> str:
    """Return a line of a table: our speed, and the others' times as multiples of ours, the median of the turns."""
    ours, *others = seconds.values()
    taken = statistics.median(ours)
    cells = [label, f"{megabytes:.0f}", f"{taken:.2f}", f"{megabytes / taken:.0f}"]
    ratios = (statistics.median(map(truediv, other, ours)) for other in others)
    return f"| {' | '.join([*cells, *(f'{ratio:.2f} x' for ratio in ratios)])} |"


def table(rows: dict[str, tuple[float, Times]]) -> str:
    """Return a Markdown table with a line per sample and a column per program."""
    ways = list(next(iter(rows.values()))[1])
    headings = ["sample", "MB", f"`{ways[0]}` s", "MB/s", *(f"`{name}`" for name in ways[1:])]
    lines = [f"| {' | '.join(headings)} |", f"| --- |{' ---: |' * (len(headings) - 1)}"]
    return "\n".join(lines + [row(label, *found) for label, found in rows.items()])


def measure(folder: Path, megabytes: int, runs: int) -> str:
    """Measure everything in one run; return the figures as text."""
    dumps, loads = {}, {}
    outputs = [folder / name for name in ("ours.sql", "tool.sql", "library.sql")]
    for fill in SAMPLES:
        database = make(folder, fill, megabytes)
        ways = dump_ways(database)
        seconds = timed(ways, runs, outputs)
        ways["write_dump"]()
        size = (folder / "ours.sql").stat().st_size / 1e6
        dumps[fill.__name__] = (size, seconds)
        if fill is events:
            loads["events"] = (size, timed(load_ways(folder / "ours.sql"), runs))
            digests = statistics.median(timed({"": partial(read_tables, database)}, runs)[""])
    return (
        f"MB is the size of the dump. Other programs' times are multiples of ours: above 1, they are slower.\n\n"
        f"{table(dumps)}\n\n{table(loads)}\n\nContent digests of `events` (`read_tables`): {digests:.2f} s.\n\n"
        "Measured as backups and drills dump: not synced to disk, because the file is in scratch space. The other "
        "programs lose data of some databases that `write_dump` preserves, see tests/unit/test_dump_torture.py; the "
        "dump of `events` contains implicit rowids, which it preserves."
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the figures into benchmarks/README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.megabytes, options.runs)
    text = (
        f"`python -m benchmarks.dump --megabytes {options.megabytes} --runs {options.runs} --write` on "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, in turns, "
        f"the median of {options.runs} runs. {figures}"
    )
    print(text)
    if options.write:
        write_section(HEADING, text)


if __name__ == "__main__":
    main()
