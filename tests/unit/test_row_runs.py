"""Rows read many at a time: all of them, once, in order, and no more in memory than agreed."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sqlitevault.database import open_copy
from sqlitevault.database.row_runs import RowRun, RowText, row_runs
from sqlitevault.database.schema import tables

MOST = 2 << 20
KINDS = pytest.mark.parametrize("kind", ["", "WITHOUT ROWID"], ids=["rowid", "without-rowid"])


def made(path: Path, sizes: list[int], kind: str = "") -> Path:
    """Make a table of one row for each size, which tells its number and then is as long as that."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT) {kind}")
        connection.executemany("INSERT INTO t VALUES (?, ?)", enumerate("x" * size for size in sizes))
    return path


def runs(path: Path, *, within: RowRun | None = None) -> list[RowRun]:
    """Read table `t`, a line each row."""
    with open_copy(path) as connection:
        (table,) = tables(connection)
        return list(row_runs(connection, table, RowText("id || x"), within=within))


def numbers(found: list[RowRun]) -> list[int]:
    """Return the rows' numbers as read."""
    return [int(line.rstrip(b"x")) for run in found for line in run.text.split(b"\n")]


@KINDS
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_every_row_once_and_in_order(tmp_path: Path, kind: str, encoding: str) -> None:
    """Whatever their sizes are: runs of tiny rows are long, and each says how many it has."""
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
    sizes = [random.Random(1).choice((0, 3, 70, 5000)) for _ in range(20_000)]
    found = runs(made(path, sizes, kind))
    assert numbers(found) == list(range(20_000))
    assert [run.rows for run in found] == [run.text.count(b"\n") + 1 for run in found]
    assert len(found) < 200


@KINDS
def test_rows_that_grow_large_on_the_way(tmp_path: Path, kind: str) -> None:
    """After thousands of tiny rows come some of megabytes: a run stays short, unless a single row is longer."""
    sizes = [10] * 5000 + [700_000, 3 << 20, 10] * 8 + [10] * 5000
    found = runs(made(tmp_path / "some.db", sizes, kind))
    assert numbers(found) == list(range(len(sizes)))
    bound = MOST if not kind else 4 << 20  # a scan ends a run behind the row that makes it long enough
    assert all(len(run.text) <= bound or run.rows == 1 for run in found)


def test_the_least_and_the_greatest_rowid(tmp_path: Path) -> None:
    """Where no number is below or above."""
    path = made(tmp_path / "some.db", [])
    edges = [-(2**63), -(2**63) + 1, -1, 0, 2**63 - 2, 2**63 - 1]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("INSERT INTO t VALUES (?, '')", [(number,) for number in edges])
    assert numbers(runs(path)) == edges


@KINDS
def test_a_run_read_again(tmp_path: Path, kind: str) -> None:
    """Its rows, and no other, although rowids have gaps."""
    path = made(tmp_path / "some.db", [200] * 9000, kind)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM t WHERE id % 3 = 0")
    first = runs(path)
    assert len(first) > 3
    assert [numbers(runs(path, within=run)) for run in first] == [numbers([run]) for run in first]


def test_no_row(tmp_path: Path) -> None:
    """An empty table has no run, not an empty one."""
    assert runs(made(tmp_path / "some.db", [])) == []
