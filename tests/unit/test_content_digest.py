"""Tests of content and schema digests: computed again from docs/content-digest.md, and the changes that they detect."""

import hashlib
import json
import re
import sqlite3
import struct
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sqlitevault.database.content import read_tables, schema_digest
from tests import torture
from tests.databases import execute
from tests.torture_kinds import QUICK

PAGE = (Path(__file__).parents[2] / "docs" / "content-digest.md").read_text()
CELLS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    st.binary(max_size=9),
)
LOOKALIKES = (
    None,
    "",
    b"",
    "NULL",
    0,
    0.0,
    -0.0,
    1,
    1.0,
    "1",
    b"1",
    "1.0",
    "r3ff0000000000000",
    "a\0b",
    "t610062",
    "a",
)


def canonical(value: object, encoding: str) -> bytes:
    """Return the canonical text of a value, as the page defines it."""
    if value is None:
        return b"NULL"
    if isinstance(value, float):
        return b"r" + struct.pack(">d", value).hex().encode()
    if isinstance(value, bytes):
        return b"X'" + value.hex().upper().encode() + b"'"
    if isinstance(value, str):
        stored = value.encode({"UTF-8": "utf-8", "UTF-16le": "utf-16-le", "UTF-16be": "utf-16-be"}[encoding])
        plain = encoding == "UTF-8" and b"\0" not in stored
        return b"'" + stored.replace(b"'", b"''") + b"'" if plain else b"t" + stored.hex().upper().encode()
    return str(value).encode()


def content_digest(path: Path, table: str, order: str = "rowid", encoding: str = "UTF-8") -> str:
    """Compute a table's digest in plain Python."""
    digest = hashlib.sha256()
    with closing(sqlite3.connect(path)) as connection:
        for row in connection.execute(f'SELECT * FROM "{table}" NOT INDEXED ORDER BY {order}'):
            digest.update(b",".join(canonical(value, encoding) for value in row) + b"\n")
    return digest.hexdigest()


def schema_lines(path: Path) -> str:
    """Return the schema's lines, as the page defines them."""
    with closing(sqlite3.connect(path)) as connection:
        listed = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
        counted = any(name == "sqlite_sequence" for _, name, _, _ in listed)
        counters = (
            connection.execute("SELECT quote(name), quote(seq) FROM sqlite_sequence").fetchall() if counted else []
        )
    entries = sorted(entry for entry in listed if not entry[1].lower().startswith("sqlite_"))
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in [*entries, *sorted(counters)])


def of_rows(*rows: tuple[object, ...], encoding: str = "UTF-8", page_size: int = 4096) -> str:
    """Return the digest of a table with these rows, in a new database."""
    with TemporaryDirectory() as folder:
        fill = partial(_insert, rows)
        path = torture.build(Path(folder) / "a.db", fill, encoding=encoding, page_size=page_size)
        (table,) = read_tables(path)
    assert table.rows == len(rows)
    assert table.digest is not None
    return table.digest


def _insert(rows: Iterable[tuple[object, ...]], connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)


def test_the_example_of_the_page(tmp_path: Path) -> None:
    """The page's SQL gives the page's lines and digests, and so does the code."""
    sql, rows, of_content, schema, of_schema = re.findall(r"^```\w*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.executescript(sql)
    (table,) = read_tables(tmp_path / "a.db")
    assert table.digest == hashlib.sha256(rows.encode()).hexdigest() == of_content.split()[-1]
    assert table.digest == content_digest(tmp_path / "a.db", "notes")
    assert schema_lines(tmp_path / "a.db") == schema
    assert schema_digest(tmp_path / "a.db") == hashlib.sha256(schema.encode()).hexdigest() == of_schema.split()[-1]


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=5), encoding=st.sampled_from(torture.ENCODINGS))
def test_the_definition_holds_for_any_values(rows: list[tuple[object, object]], encoding: str) -> None:
    """Plain Python written from the page computes the same digest for any table."""
    digest = hashlib.sha256()
    for number, row in enumerate(rows):
        digest.update(b",".join(canonical(value, encoding) for value in (number, *row)) + b"\n")
    assert of_rows(*((number, *row) for number, row in enumerate(rows)), encoding=encoding) == digest.hexdigest()


def test_the_definition_of_order_and_of_virtual_tables(tmp_path: Path) -> None:
    """A WITHOUT ROWID table is ordered by its key; a virtual table is digested by its shadow tables."""
    path = tmp_path / "a.db"
    execute(
        path,
        "CREATE TABLE k (a INT, b TEXT COLLATE NOCASE, made AS (a + 1), PRIMARY KEY (b DESC, a)) WITHOUT ROWID",
        "INSERT INTO k VALUES (1, 'B'), (0, 'b'), (2, 'a'), (3, 'C')",
        "CREATE INDEX i ON k(a, b)",
        "CREATE VIRTUAL TABLE f USING fts5(x)",
        "INSERT INTO f VALUES ('some words')",
        "CREATE TABLE f_not_a_shadow (x)",
    )
    keyed = hashlib.sha256(b"3,'C'\n0,'b'\n1,'B'\n2,'a'\n").hexdigest()
    shadows = [f"f_{part}" for part in ("config", "content", "data", "docsize", "idx")]
    orders = {"f_config": "k", "f_idx": "segid, term"}
    lines = "".join(f"{name} {content_digest(path, name, orders.get(name, 'rowid'))}\n" for name in shadows)
    found = {table.name: (table.rows, table.digest) for table in read_tables(path)}
    assert found.keys() == {"k", "f", "f_not_a_shadow"}
    assert found["k"] == (4, keyed)
    assert found["f"] == (1, hashlib.sha256(lines.encode()).hexdigest())


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4),
    at=st.integers(0, 3),
    column=st.integers(0, 1),
    value=CELLS,
)
def test_a_changed_value_changes_the_digest(
    rows: list[tuple[object, object]], at: int, column: int, value: object
) -> None:
    """A change of one value, or only of its type, changes the digest."""
    assume(at < len(rows))
    assume(canonical(rows[at][column], "UTF-8") != canonical(value, "UTF-8"))
    changed = [list(row) for row in rows]
    changed[at][column] = value
    before = of_rows(*((number, *row) for number, row in enumerate(rows)))
    assert of_rows(*((number, *row) for number, row in enumerate(changed))) != before


@pytest.mark.parametrize("encoding", torture.ENCODINGS)
def test_values_that_look_alike_differ(encoding: str) -> None:
    """NULL, '', 1, 1.0, '1', x'31', 0.0 and -0.0 all differ, in one column and across columns."""
    digests = {of_rows((1, value, None), encoding=encoding) for value in LOOKALIKES}
    digests |= {of_rows((1, None, value), encoding=encoding) for value in LOOKALIKES[1:]}
    digests |= {of_rows((1, "a,'b'", "c")), of_rows((1, "a", "b','c")), of_rows((1, "a\n2", None), (2, None, None))}
    assert len(digests) == 2 * len(LOOKALIKES) - 1 + 3


def test_row_order_and_keys_count() -> None:
    """Other keys or one row fewer change the digest; the order of insertion does not."""
    rows = [(number, f"row {number}", b"x" * 900) for number in range(60)]
    assert of_rows(*reversed(rows), page_size=512) == of_rows(*rows, page_size=65536)
    assert of_rows(*((number + 1, *rest) for number, *rest in rows)) != of_rows(*rows)
    assert of_rows(*rows[:-1]) != of_rows(*rows)


def test_the_page_layout_does_not_count(tmp_path: Path) -> None:
    """VACUUM with another page size and auto-vacuum, after inserts and deletes, does not change a digest."""
    path = torture.build(tmp_path / "a.db", *QUICK, page_size=1024)
    tables, schema = set(read_tables(path)), schema_digest(path)
    execute(path, "PRAGMA page_size = 8192", "PRAGMA auto_vacuum = full", "VACUUM")
    assert set(read_tables(path)) == tables
    execute(
        path,
        "CREATE TABLE passing (x)",
        "INSERT INTO passing VALUES (randomblob(500000))",
        "DROP TABLE passing",
        "INSERT INTO vals(id) VALUES (999999)",
        "DELETE FROM vals WHERE id = 999999",
        "ANALYZE",
    )
    assert (set(read_tables(path)), schema_digest(path)) == (tables, schema)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX another ON searched(a)",
        "CREATE VIEW another AS SELECT 1",
        "CREATE TRIGGER another AFTER DELETE ON searched BEGIN SELECT 1; END",
        "DROP INDEX by_part",
        "ALTER TABLE never ADD COLUMN another",
        "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'counted'",
    ],
    ids=["index", "view", "trigger", "dropped-index", "column", "counter"],
)
def test_a_changed_definition_changes_the_schema_digest(tmp_path: Path, statement: str) -> None:
    """The schema digest covers everything but rows: indexes, views, triggers, names and counters."""
    path = torture.build(tmp_path / "a.db", *QUICK)
    tables, schema = read_tables(path), schema_digest(path)
    execute(path, statement)
    assert schema_digest(path) != schema
    assert read_tables(path) == tables
