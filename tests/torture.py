"""Databases of every kind. Each kind is a function that fills an open database; their table names never collide."""

import math
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

Fill = Callable[[sqlite3.Connection], None]

PAGE_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
AUTO_VACUUM = ("none", "full", "incremental")
ENCODINGS = ("UTF-8", "UTF-16le", "UTF-16be")
LARGE = 5 << 20  # bytes; more than is ever read, written or kept at once

NUMBERS = (
    *(0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 0.0, -0.0, 0.1, 1 / 3, 1.5, 100.0, 1e15, 1e16, 1e23),
    *(5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0, 123456789012345.678),
    *(math.inf, -math.inf, math.nan),
)
TEXTS = (
    *(
        "",
        "1",
        "1.0",
        "NULL",
        "it's",
        '"quoted"',
        "--c\n;';",
        ";\n",
        "/* ",
        "line\nline\r\nline\r",
        "tab\t\x01\x1b\x7f",
    ),
    *("nul\0inside", "nul at the end\0", "\0", "\\x00", "X'31'", "ünïcødé 🎉 \u2028 \ufeff", "e\u0301", "\ufffd\uffff"),
    *("x" * 100_000, "é" * 70_000, "CAST(x'41' AS TEXT)", " 12 ", "12\r", "r3ff0000000000000", "t41"),
)
BLOBS = (b"", b"\0", b"\0\xff", b"abc", b"'", b"1", bytes(range(256)))
# Text that is not valid in one encoding or another: cut sequences, lone surrogates, a byte order mark, odd lengths.
BAD_TEXTS = ("ff", "c3", "e282", "f09f98", "eda080", "c080", "80", "61ff62", "00d8", "d800", "dc00d800", "fffe4100")


def values(connection: sqlite3.Connection) -> None:
    """Every type in columns of every affinity, including invalid text."""
    columns = ("plain", "as_text TEXT", "as_integer INTEGER", "as_real REAL", "as_numeric NUMERIC", "as_blob BLOB")
    connection.execute(f"CREATE TABLE vals (id INTEGER PRIMARY KEY, {', '.join(columns)})")
    for value in (None, *NUMBERS, *TEXTS, *BLOBS):
        connection.execute("INSERT INTO vals VALUES (NULL, ?1, ?1, ?1, ?1, ?1, ?1)", (value,))
    for raw in BAD_TEXTS:
        bad = f"CAST(x'{raw}' AS TEXT)"
        connection.execute(f"INSERT INTO vals VALUES (NULL, {', '.join([bad] * len(columns))})")


def late_bad_text(connection: sqlite3.Connection) -> None:
    """Many ordinary rows, with one row of invalid text in the middle."""
    connection.execute("CREATE TABLE late (x)")
    connection.executemany("INSERT INTO late VALUES (?)", ((f"row {n} é " * 20,) for n in range(4000)))
    connection.execute("UPDATE late SET x = CAST(x'ff0d00d8' AS TEXT) WHERE rowid = 2500")


def large_blobs(connection: sqlite3.Connection) -> None:
    """A blob and a text of 5 MiB each."""
    connection.execute("CREATE TABLE large (x)")
    connection.execute("INSERT INTO large VALUES (?)", (random.Random(1).randbytes(LARGE),))
    connection.execute("INSERT INTO large VALUES (?)", ("é;\n'" * (LARGE // 5),))


def empty_tables(connection: sqlite3.Connection) -> None:
    """Tables without rows: one never used and one emptied."""
    connection.execute("CREATE TABLE never (x, y)")
    connection.execute("CREATE TABLE emptied (x)")
    connection.executemany("INSERT INTO emptied VALUES (?)", (("x" * 3000,) for _ in range(200)))
    connection.execute("DELETE FROM emptied")


def rowids_with_gaps(connection: sqlite3.Connection) -> None:
    """Implicit rowids with gaps, negative and at both ends; columns that take the names of the rowid."""
    connection.execute("CREATE TABLE gaps (a)")
    for rowid in (-(2**63), -3, 5, 100, 2**63 - 1):
        connection.execute("INSERT INTO gaps(rowid, a) VALUES (?, ?)", (rowid, str(rowid)))
    connection.execute("CREATE TABLE one_name_taken (RowID TEXT, x)")
    connection.execute("INSERT INTO one_name_taken(_rowid_, rowid, x) VALUES (9, 'no rowid', 1)")
    connection.execute("CREATE TABLE two_names_taken (rowid, _rowid_, x)")
    connection.execute("INSERT INTO two_names_taken(oid, rowid) VALUES (77, 'no rowid')")


def all_rowid_names_taken(connection: sqlite3.Connection) -> None:
    """A table whose rowid has no free name, with a covering index in another order."""
    connection.execute("CREATE TABLE names_taken (rowid, _rowid_, oid)")
    connection.executemany("INSERT INTO names_taken VALUES (?, ?, ?)", ((-n, n, "x") for n in range(50)))
    connection.execute("CREATE INDEX covers_names_taken ON names_taken(rowid, _rowid_, oid)")


def integer_keys(connection: sqlite3.Connection) -> None:
    """Primary keys that are the rowid, and others that only look like it."""
    connection.execute("CREATE TABLE alias (id INTEGER PRIMARY KEY, x)")
    connection.execute("CREATE TABLE alias_last (x, id INTEGER, PRIMARY KEY(id DESC))")
    connection.execute("CREATE TABLE named_rowid (rowid INTEGER PRIMARY KEY, x)")
    connection.execute("CREATE TABLE descending (id INTEGER PRIMARY KEY DESC, x)")
    connection.execute("CREATE TABLE only_int (id INT PRIMARY KEY, x)")
    connection.execute("CREATE TABLE pair (a INTEGER, b INTEGER, PRIMARY KEY(a, b))")
    for key in (-5, 0, 7, 2**40):
        for table in ("alias", "named_rowid", "descending", "only_int", "pair"):
            connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (key, -key))
        connection.execute("INSERT INTO alias_last VALUES ('x', ?)", (key,))
    connection.execute("INSERT INTO descending(rowid, id, x) VALUES (500, 3, 'another rowid')")
    connection.execute("INSERT INTO only_int(rowid, id) VALUES (900, NULL)")


def autoincrement(connection: sqlite3.Connection) -> None:
    """Counters that are ahead of the highest row, of an empty table, and set by hand."""
    for table in ("counted", "counted_empty", "counted_by_hand"):
        connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY AUTOINCREMENT, x)")
        connection.executemany(f"INSERT INTO {table}(x) VALUES (?)", ((n,) for n in range(5)))
    connection.execute("DELETE FROM counted WHERE id = 5")
    connection.execute("DELETE FROM counted_empty")
    connection.execute("UPDATE sqlite_sequence SET seq = 9000000000 WHERE name = 'counted_by_hand'")


def counters_left_over(connection: sqlite3.Connection) -> None:
    """Counters of tables that are gone, one counter written by hand; AUTOINCREMENT occurs only in a comment."""
    connection.execute("CREATE TABLE short_lived (id INTEGER PRIMARY KEY AUTOINCREMENT)")
    connection.execute("DROP TABLE short_lived")
    connection.execute("CREATE TABLE not_counted (id INTEGER PRIMARY KEY /* AUTOINCREMENT */)")
    connection.execute("INSERT INTO sqlite_sequence VALUES ('long gone', 12)")


def without_rowid(connection: sqlite3.Connection) -> None:
    """WITHOUT ROWID: composite, descending and collated keys; an index that covers the table in another order."""
    connection.execute("CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID")
    connection.executemany("INSERT INTO keyed VALUES (?, ?)", ((f"key {n}", -n) for n in range(100)))
    connection.execute("CREATE INDEX covers_keyed ON keyed(v, k)")
    connection.execute(
        "CREATE TABLE keyed_twice (a INTEGER, b TEXT COLLATE NOCASE, c, PRIMARY KEY (b DESC, a)) WITHOUT ROWID"
    )
    connection.executemany(
        "INSERT INTO keyed_twice VALUES (?, ?, ?)", [(1, "x", None), (2, "X", 2.5), (0, "a\0b", b"")]
    )


def build(path: Path, *fills: Fill, page_size: int = 4096, auto_vacuum: str = "none", encoding: str = "UTF-8") -> Path:
    """Make a database of the given kinds, committed and closed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute(f"PRAGMA auto_vacuum = {auto_vacuum}")
        connection.execute("BEGIN")
        for fill in fills:
            fill(connection)
        connection.execute("COMMIT")
    return path
