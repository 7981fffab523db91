"""Tests of reading rows in runs: each row once, in order, and within the memory limit."""

import random
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlitevault.database.connection import open_copy
from sqlitevault.database.row_runs import RowRun, RowText, row_runs
from sqlitevault.database.schema import tables
from sqlitevault.ground.errors import SourceCorrupt

MOST = 2 << 20
KINDS = pytest.mark.parametrize("kind", ["", "WITHOUT ROWID"], ids=["rowid", "without-rowid"])


def made(path: Path, sizes: list[int], kind: str = "") -> Path:
    """Make a table with one row per size; each row begins with its number and has that length."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT) {kind}")
        connection.executemany("INSERT INTO t VALUES (?, ?)", enumerate("x" * size for size in sizes))
    return path


def runs(path: Path, within: RowRun | None = None, text: str = "id || x") -> list[RowRun]:
    """Read table `t`, one line per row."""
    with open_copy(path) as connection:
        (table,) = tables(connection)
        part = (within.start, within.rows) if within else ()
        return list(row_runs(connection, table, RowText(text), *part))


def numbers(found: list[RowRun]) -> list[int]:
    """Return the rows' numbers as read; a row in pieces has its rowid."""
    texts = (run.text if run.long_row is None else b"%d" % run.long_row for run in found)
    return [int(line.rstrip(b"x")) for text in texts for line in text.split(b"\n")]


@KINDS
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_every_row_once_and_in_order(tmp_path: Path, kind: str, encoding: str) -> None:
    """Rows of any size are read once and in order; runs of tiny rows are long, and each gives its number of rows."""
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
    sizes = [random.Random(1).choice((0, 3, 70, 5000)) for _ in range(20_000)]
    found = runs(made(path, sizes, kind))
    assert numbers(found) == list(range(20_000))
    assert [run.rows for run in found] == [run.text.count(b"\n") + 1 for run in found]
    assert len(found) < 200


@KINDS
def test_rows_that_become_large(tmp_path: Path, kind: str) -> None:
    """After thousands of tiny rows, rows of megabytes make short runs, except without a rowid."""
    sizes = [10] * 5000 + [700_000, 3 << 20, 10] * 8 + [10] * 5000
    found = runs(made(tmp_path / "some.db", sizes, kind))
    assert numbers(found) == list(range(len(sizes)))
    assert all(len(run.text) <= MOST or (kind and run.rows == 1) for run in found)
    assert sum(run.long_row is not None for run in found) == (0 if kind else 8)


def test_the_least_and_the_greatest_rowid(tmp_path: Path) -> None:
    """The smallest and the largest possible rowid are read."""
    path = made(tmp_path / "some.db", [])
    edges = [-(2**63), -(2**63) + 1, -1, 0, 2**63 - 2, 2**63 - 1]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("INSERT INTO t VALUES (?, '')", [(number,) for number in edges])
    assert numbers(runs(path)) == edges


@KINDS
def test_a_run_read_again(tmp_path: Path, kind: str) -> None:
    """A run read again has the same rows, although rowids have gaps."""
    path = made(tmp_path / "some.db", [200] * 9000, kind)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM t WHERE id % 3 = 0")
    first = runs(path)
    assert len(first) > 3
    assert [numbers(runs(path, run)) for run in first] == [numbers([run]) for run in first]


def test_an_empty_table(tmp_path: Path) -> None:
    """An empty table has no runs."""
    assert runs(made(tmp_path / "some.db", [])) == []


KEYS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-20, 20),
    st.floats(allow_nan=False),
    st.text(st.sampled_from("aA \0é12"), max_size=4),
    st.binary(max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(st.tuples(st.one_of(st.just(1), st.just("a"), KEYS), KEYS), min_size=40, max_size=200),
    declared=st.sampled_from(["", "TEXT", "INT", "REAL", "NUMERIC", "BLOB", "TEXT COLLATE NOCASE"]),
    order=st.sampled_from(["", "DESC", "COLLATE NOCASE", "COLLATE RTRIM DESC"]),
    encoding=st.sampled_from(["UTF-8", "UTF-16le"]),
)
def test_rows_by_any_key(keys: list[tuple[object, object]], declared: str, order: str, encoding: str) -> None:
    """Each row is read once and in order, for any values, affinity, collation and direction of the key."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "some.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"PRAGMA encoding = '{encoding}'")
            connection.execute(
                f"CREATE TABLE t (n, a {declared}, b {declared}, PRIMARY KEY (a {order}, b)) WITHOUT ROWID"
            )
            rows = ((number, *key) for number, key in enumerate(keys))
            connection.executemany("INSERT OR IGNORE INTO t VALUES (?, ?, ?)", rows)
            wanted = connection.execute(f"SELECT n FROM t ORDER BY a {order}, b").fetchall()
        assert [(number,) for number in numbers(runs(path, text="n || ''"))] == wanted


@pytest.mark.parametrize(
    ("encoding", "declared", "key"),
    [
        ("UTF-8", "INT", "printf('%d', n) || char(0) || 'x'"),
        ("UTF-16le", "TEXT", "CAST(x'00d8' || CAST(printf('%03d', n) AS BLOB) AS TEXT)"),
    ],
    ids=["number-and-nul", "lone-surrogate"],
)
def test_keys_that_a_query_would_change(tmp_path: Path, encoding: str, declared: str, key: str) -> None:
    """Keys that SQLite would convert to a number, or that Python receives changed, do not lose rows."""
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute(f"CREATE TABLE t (k {declared} PRIMARY KEY, n) WITHOUT ROWID")
        numbered = "WITH RECURSIVE numbers(n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM numbers LIMIT 300)"
        connection.execute(f"INSERT INTO t {numbered} SELECT {key}, n FROM numbers")
    assert numbers(runs(path, text="n || ''")) == list(range(100, 400))


@pytest.mark.parametrize("where", [0, 15, 16, 17, 100, 299])
def test_keys_that_are_not_valid_text(tmp_path: Path, where: int) -> None:
    """Rows after a key that Python cannot hold are still read."""
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (k TEXT PRIMARY KEY, n) WITHOUT ROWID")
        connection.executemany("INSERT INTO t VALUES (printf('%04d', ?1), ?1)", [(number,) for number in range(300)])
        connection.execute("UPDATE t SET k = CAST(CAST(k AS BLOB) || x'ff' AS TEXT) WHERE n >= ?", (where,))
    assert numbers(runs(path, text="n || ''")) == list(range(300))


@pytest.mark.parametrize(
    "columns",
    ["k INT PRIMARY KEY, l, n", "k TEXT COLLATE NOCASE PRIMARY KEY, l, n", "k, l TEXT, n, PRIMARY KEY (k, l)"],
    ids=["one", "collation", "two"],
)
def test_a_key_is_searched_for(tmp_path: Path, columns: str) -> None:
    """Each run begins with a search by key, not at the first row, even if the first column has few values."""
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE t ({columns}) WITHOUT ROWID")
        connection.execute("CREATE INDEX other ON t (l, k, n)")
        same = "PRIMARY KEY (k, l)" in columns
        rows = ((number // 10_000 if same else f"{number:05}", f"{number:05}", number) for number in range(20_000))
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    scanned: list[int] = []

    def count(event: Mapping[str, Mapping[str, int]]) -> None:
        scanned.append(event["stmt_status"]["SQLITE_STMTSTATUS_FULLSCAN_STEP"])

    with open_copy(path) as opened:
        (table,) = tables(opened)
        opened.trace_v2(apsw.SQLITE_TRACE_PROFILE, count)
        found = list(row_runs(opened, table, RowText("printf('%60d', n)")))
    assert numbers(found) == list(range(20_000))
    assert len(found) > 5
    assert sum(scanned) < 100


def test_a_table_out_of_order_is_damaged(tmp_path: Path) -> None:
    """A key that does not follow the previous one is reported as damage; otherwise reading would not end."""
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY, n) WITHOUT ROWID")
        names = (chr(ord("A" if number % 2 else "a") + number) for number in range(26))
        keys = [one + another for one in names for another in "abcdefghij"]
        connection.executemany("INSERT INTO t VALUES (?, ?)", ((key, n) for n, key in enumerate(keys)))
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'COLLATE NOCASE', '')")
    with pytest.raises(SourceCorrupt, match="table t are not in the order"):
        runs(path, text="n || ''")
