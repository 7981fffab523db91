"""Tests of the SQL dump: who can load it, what is refused, and a round trip of any value."""

import math
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlitevault.database.checks import check
from sqlitevault.database.connection import open_copy
from sqlitevault.database.content import read_tables, schema_digest
from sqlitevault.database.header import read_header
from sqlitevault.database.schema import tables
from sqlitevault.dump.inserts import insert_statements
from sqlitevault.dump.load import load_dump, load_readable
from sqlitevault.dump.write import write_dump
from sqlitevault.ground.errors import IntegrityCheckFailed
from sqlitevault.snapshot import take_snapshot
from tests import torture
from tests.databases import rows
from tests.raw_content import raw_content, require_same
from tests.torture_kinds import ALONE, KINDS, QUICK

# Digits and a NUL: SQLite 3.54, unlike 3.40, converts them to a number in a numeric column, however they are inserted.
SEEN_AS_NUMBER = re.compile(r"\d.*\0", re.DOTALL)
VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: not SEEN_AS_NUMBER.search(text)),
    st.text(st.sampled_from("a'\0\r\n;\"é\\r1")).filter(lambda text: not SEEN_AS_NUMBER.search(text)),
    st.binary(),
)
AFFINITIES = ("", "TEXT", "INTEGER", "REAL", "NUMERIC", "BLOB")


@settings(max_examples=100, deadline=None)
@given(values=st.lists(VALUES, max_size=8), encoding=st.sampled_from(torture.ENCODINGS))
def test_any_value_survives_a_round_trip(values: list[object], encoding: str) -> None:
    """Any value in a column of any affinity is restored to the last bit; SQLite itself stores NaN as NULL."""
    with TemporaryDirectory() as folder:
        source = torture.build(Path(folder) / "source.db", partial(_insert, values), encoding=encoding)
        loaded = _reloaded(source)
        assert raw_content(loaded) == raw_content(source)
        assert read_tables(loaded) == read_tables(source)
        assert [value for (value,) in rows(loaded, "SELECT plain FROM t ORDER BY id")] == [
            None if isinstance(value, float) and math.isnan(value) else value for value in values
        ]


def _insert(values: list[object], connection: sqlite3.Connection) -> None:
    columns = ", ".join(f"c{number} {affinity}" for number, affinity in enumerate(AFFINITIES[1:]))
    connection.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, plain, {columns})")
    connection.executemany("INSERT INTO t VALUES (NULL, ?1, ?1, ?1, ?1, ?1, ?1)", ((value,) for value in values))


def _reloaded(source: Path) -> Path:
    write_dump(source, source.with_name("dump.sql"))
    load_dump(source.with_name("dump.sql"), source.with_name("loaded.db"))
    return source.with_name("loaded.db")


@pytest.mark.parametrize("kind", ALONE, ids=lambda kind: kind.__name__)
def test_the_standard_library_loads_a_dump(tmp_path: Path, kind: torture.Fill) -> None:
    """An older SQLite makes the same database from the text with plain Python's executescript."""
    source = torture.build(tmp_path / "source.db", kind)
    write_dump(source, tmp_path / "dump.sql")
    with closing(sqlite3.connect(tmp_path / "plain.db")) as connection:
        connection.executescript((tmp_path / "dump.sql").read_bytes().decode())
    require_same(tmp_path / "plain.db", source)


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3 command")
def test_the_command_line_tool_loads_a_dump(tmp_path: Path) -> None:
    """`sqlite3 new.db < dump.sql` makes the same database, for every kind of content."""
    source = torture.build(tmp_path / "source.db", *KINDS)
    write_dump(source, tmp_path / "dump.sql")
    with (tmp_path / "dump.sql").open("rb") as text:
        done = subprocess.run(["sqlite3", tmp_path / "tool.db"], stdin=text, capture_output=True, check=True)
    assert done.stderr == b""
    require_same(tmp_path / "tool.db", source)


# Bytes that replace quotes and separators of texts and rows while rows are written, in every order that could be taken
# for them, at the start of a text and later; and other bytes that are not UTF-8.
MARKS = (
    *("fc", "fd", "fe", "ff", "ff2cff", "ff2cfe", "fefe", "feff", "fffd", "fd31", "ff0dff", "ff27ff", "00ff00ff"),
    *("61fc62", "61fd62", "61fe62", "61ff62", "61ffff62", "61ff2cff62", "61fdff62", "61fcfc", "c3", "61c3", "f5"),
)


@pytest.mark.parametrize("kind", ["", "WITHOUT ROWID", "STRICT"], ids=["rowid", "without-rowid", "strict"])
@pytest.mark.parametrize("declared", ["TEXT", "INT"])
def test_bytes_that_are_not_text_are_kept(tmp_path: Path, kind: str, declared: str) -> None:
    """Bytes that are used as marks while dumping are kept when they occur in data."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        for raw in MARKS:
            odd = f"CAST(x'{raw}' AS TEXT)"
            connection.execute(f"CREATE TABLE t{raw} (id INTEGER PRIMARY KEY, x TEXT, y {declared}, z TEXT) {kind}")
            some = [f"{odd}, 1, 'a'", f"'a', NULL, {odd}", f"{odd}, 2, {odd}"]
            if kind != "STRICT":
                some += [f"NULL, {odd}, NULL", "NULL, 'é''s', NULL", f"NULL, x'{raw}', NULL"]
            for number, values in enumerate(some):
                connection.execute(f"INSERT INTO t{raw} VALUES ({number}, {values})")
            connection.execute(f"CREATE TABLE mixed{raw} AS SELECT {odd} AS x UNION ALL VALUES (NULL)")
            connection.execute(f"CREATE TABLE even{raw} AS SELECT * FROM mixed{raw}")
            connection.execute(f"INSERT INTO even{raw} VALUES (CAST(x'61ff62' AS TEXT))")
            connection.execute(f"CREATE TABLE long{raw} AS SELECT * FROM t{raw} LIMIT 1")
            connection.execute(f"INSERT INTO long{raw} VALUES (2, printf('%9000s', 'x'), 1, {odd})")
    loaded = _reloaded(tmp_path / "source.db")
    assert "CAST(X" in (tmp_path / "dump.sql").read_text(encoding="utf-8")
    assert raw_content(loaded) == raw_content(tmp_path / "source.db")
    assert read_tables(loaded) == read_tables(tmp_path / "source.db")


@pytest.mark.parametrize("kind", ["", "WITHOUT ROWID"], ids=["rowid", "without-rowid"])
def test_text_is_readable(tmp_path: Path, kind: str) -> None:
    """Letters, line ends and quotes are not written as hexadecimal digits, even if another row must be."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER) {kind}")
        lines = ((n, f"žába č. {n}\r\nit's \\r fine\r\n") for n in range(20_000))
        connection.executemany("INSERT INTO t VALUES (?, ?)", lines)
        connection.execute("UPDATE t SET x = CAST(x'ff' AS TEXT) WHERE id = 10000")
    assert raw_content(_reloaded(tmp_path / "source.db")) == raw_content(tmp_path / "source.db")
    text = (tmp_path / "dump.sql").read_text()
    assert "VALUES(0,replace('žába č. 0\\r1\nit''s \\r fine\\r1\n','\\r1',char(13)));\n" in text
    assert 0 < text.count("CAST(X'") < 10_000
    assert "\r" not in text


@pytest.mark.parametrize("kind", ["", "WITHOUT ROWID"], ids=["rowid", "without-rowid"])
def test_values_of_another_kind_are_readable(tmp_path: Path, kind: str) -> None:
    """Text after numbers and numbers after text are not written as bytes."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, a, b) {kind}")
        values: list[object] = [7] * 300 + ["sept à côté"] * 300 + [None] * 300 + [0.5] * 300 + [b"7"] * 300
        rows = ((number, value, values[-number]) for number, value in enumerate(values))
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    assert raw_content(_reloaded(tmp_path / "source.db")) == raw_content(tmp_path / "source.db")
    assert "CAST(" not in (tmp_path / "dump.sql").read_text()


@pytest.mark.parametrize("kind", ["", "WITHOUT ROWID"], ids=["rowid", "without-rowid"])
def test_columns_whose_types_change_later(tmp_path: Path, kind: str) -> None:
    """Later rows may have other types than the first ones, for any declared types."""
    some: list[object] = ["it's", 7, -0.0, b"\xff'", None, "", "nul\0", "line\r\n", "é", 1.5, 2.0**63, b"7", "7", "0x7"]
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        for number, first in enumerate(some):
            connection.execute(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, a, b TEXT, c INT, d BLOB, e) {kind}")
            rows = [first] * 300 + some + [first] * 300 + some[::-1] + [first] * 300
            connection.executemany(
                f"INSERT INTO t{number} VALUES (?1, ?2, ?2, ?2, ?2, ?3)",
                ((place, value, rows[-place]) for place, value in enumerate(rows)),
            )
    loaded = _reloaded(tmp_path / "source.db")
    assert raw_content(loaded) == raw_content(tmp_path / "source.db")
    assert read_tables(loaded) == read_tables(tmp_path / "source.db")


# Values that JSON writes differently from SQL, or takes as something else, such as JSONB (sqlite.org/jsonb.html).
ODD_IN_JSON: tuple[object, ...] = (
    *(b"\x00", b"\x131", b"\x2312", b"\x131\x131", b"\x0b", b"\x171", b"1", b"", b"null", b"\xff"),
    *("1a", "2026-11-26", "null", "[1]", "1],[1", "-", "", "\xbd", "it's", "''", "x" * 200),
    *('"', '","', "\\", "\\u0041", "\n", "\r\n", "\t", "\x7f", "\x00", "a\x00"),
    *(0.5, -0.0, 0.0, 0.1, 2.0**63, -(2.0**63), 1e300, -1e300, 5e-324, math.inf, -math.inf, -(2**63), 2**63 - 1),
    *(f"CAST(x'{raw}' AS TEXT)" for raw in ("fd", "615dfd5b62", "fc", "ff", "f5", "c3")),
)
AMONG = {"numbers": (-1, 0, None, 7), "texts": ("a", "it's", None, "é"), "reals": (1.5, 0.0, None, -1e100)}


@pytest.mark.parametrize("among", AMONG)
@pytest.mark.parametrize("kind", ["", "WITHOUT ROWID", "STRICT"], ids=["rowid", "without-rowid", "strict"])
@pytest.mark.parametrize("place", [3, 18], ids=["first-run", "second-run"])
def test_one_value_that_json_cannot_hold(tmp_path: Path, among: str, kind: str, place: int) -> None:
    """A value that JSON cannot hold, among others that it can, is kept in a column of every affinity."""
    affinities = ("ANY",) if kind == "STRICT" else AFFINITIES
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        for case, (odd, affinity) in enumerate((odd, affinity) for odd in ODD_IN_JSON for affinity in affinities):
            columns = f"id INTEGER PRIMARY KEY, a {affinity}, b {affinity}, c {affinity}"
            connection.execute(f"CREATE TABLE t{case} ({columns}) {kind}")
            rows: list[list[object]] = [
                [n, *(AMONG[among][(n + column) % 4] for column in range(3))] for n in range(20)
            ]
            connection.executemany(f"INSERT INTO t{case} VALUES (?, ?, ?, ?)", rows)
            value = odd if isinstance(odd, str) and odd.startswith("CAST(") else "?"
            connection.execute(f"UPDATE t{case} SET b = {value} WHERE id = {place}", (odd,) if value == "?" else ())
    loaded = _reloaded(tmp_path / "source.db")
    assert ",NULL" not in (tmp_path / "dump.sql").read_text(), "null, whichever way rows are read"
    assert raw_content(loaded) == raw_content(tmp_path / "source.db")
    assert read_tables(loaded) == read_tables(tmp_path / "source.db")


@pytest.mark.parametrize("columns", [99, 100, 1100])
@pytest.mark.parametrize("kind", ["", "WITHOUT ROWID"], ids=["rowid", "without-rowid"])
def test_tables_of_many_columns(tmp_path: Path, columns: int, kind: str) -> None:
    """A table may have more columns than an SQLite function may have arguments."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute(f"CREATE TABLE t (id PRIMARY KEY{''.join(f', c{n}' for n in range(1, columns))}) {kind}")
        connection.executemany(f"INSERT INTO t VALUES (?{', ?' * (columns - 1)})", ([n] * columns for n in range(20)))
    assert raw_content(_reloaded(tmp_path / "source.db")) == raw_content(tmp_path / "source.db")


def test_text_that_is_too_long_as_json(tmp_path: Path) -> None:
    """Text whose JSON would exceed SQLite's limit is dumped; a control character takes six bytes in JSON."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)")
        texts = ["a"] * 500 + ["\x01" * 500_000] + ["b"] * 500
        connection.executemany("INSERT INTO t(x) VALUES (?)", ((text,) for text in texts))
    with open_copy(tmp_path / "source.db") as copy:
        copy.limit(apsw.SQLITE_LIMIT_LENGTH, 1_500_000)
        written = b"".join(insert_statements(copy, tables(copy)[0]))
    with closing(sqlite3.connect(tmp_path / "loaded.db")) as connection:
        connection.executescript("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT);" + written.decode())
    require_same(tmp_path / "loaded.db", tmp_path / "source.db")


def test_the_same_content_gives_the_same_text(tmp_path: Path) -> None:
    """A dump, loaded and dumped again, is identical, so dumps can be compared with diff."""
    loaded = _reloaded(torture.build(tmp_path / "source.db", *QUICK))
    write_dump(loaded, tmp_path / "again.sql")
    assert (tmp_path / "again.sql").read_bytes() == (tmp_path / "dump.sql").read_bytes()


@pytest.mark.parametrize("encoding", torture.ENCODINGS)
def test_a_database_without_tables(tmp_path: Path, encoding: str) -> None:
    """The numbers in the header are kept even if the database is otherwise empty."""
    source = torture.build(tmp_path / "source.db", _no_tables, encoding=encoding, page_size=1024, auto_vacuum="full")
    loaded = _reloaded(source)
    header = read_header(loaded)
    assert (header.user_version, header.application_id, header.page_size) == (5, 6, 1024)
    assert rows(loaded, "PRAGMA auto_vacuum") == rows(source, "PRAGMA auto_vacuum") == [(1,)]
    assert header.encoding == read_header(source).encoding
    assert read_tables(loaded) == ()
    assert schema_digest(loaded) == schema_digest(source)


def _no_tables(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA user_version = 5")
    connection.execute("PRAGMA application_id = 6")


def test_progress_adds_up_to_the_size(tmp_path: Path) -> None:
    """Writing and loading report each byte once."""
    source = torture.build(tmp_path / "source.db", *QUICK)
    written: list[int] = []
    read: list[int] = []
    write_dump(source, tmp_path / "dump.sql", on_bytes=written.append)
    load_dump(tmp_path / "dump.sql", tmp_path / "loaded.db", on_bytes=read.append)
    assert sum(written) == sum(read) == (tmp_path / "dump.sql").stat().st_size


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_dump_is_refused(tmp_path: Path, share: float) -> None:
    """A dump truncated anywhere does not load, and no file is left behind."""
    source = torture.build(tmp_path / "source.db", torture.values, torture.late_bad_text)
    write_dump(source, tmp_path / "dump.sql")
    text = (tmp_path / "dump.sql").read_bytes()
    cut = tmp_path / "cut.sql"
    cut.write_bytes(text[: int(len(text) * share)])
    with pytest.raises(IntegrityCheckFailed):
        load_dump(cut, tmp_path / "loaded.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.sql", "dump.sql", "source.db"]


def test_text_full_of_semicolons_is_loaded_in_small_parts(tmp_path: Path) -> None:
    """Rows with source code look like ends of statements, but only a little text is collected at a time."""
    code = "x = 1;\nINSERT INTO t VALUES('');\n-- it's\n" * 500
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT)")
        connection.execute("CREATE TRIGGER tr AFTER DELETE ON t BEGIN DELETE FROM t; SELECT 1;\n END")
        connection.executemany("INSERT INTO t(code) VALUES (?)", [(code,)] * 500)
    write_dump(tmp_path / "source.db", tmp_path / "dump.sql")
    sizes: list[int] = []
    load_dump(tmp_path / "dump.sql", tmp_path / "loaded.db", on_bytes=sizes.append)
    require_same(tmp_path / "loaded.db", tmp_path / "source.db")
    assert max(sizes) < 3 << 20
    assert sum(sizes) == (tmp_path / "dump.sql").stat().st_size > 10 << 20


def test_a_damaged_statement_does_not_affect_others(tmp_path: Path) -> None:
    """Only the damaged statement is skipped, even in a dump with comments after statements."""
    lines = ("CREATE TABLE t (a); -- made", "INSERT INTO t VALUES (1); -- kept", "INSERT INTO gone VALUES (1); -- lost")
    (tmp_path / "dump.sql").write_text("\n".join((*lines, "INSERT INTO t VALUES (2);\n")))
    assert load_readable(tmp_path / "dump.sql", tmp_path / "loaded.db")
    assert rows(tmp_path / "loaded.db", "SELECT a FROM t") == [(1,), (2,)]


BLOCK = 4096  # bytes read at once in this test; more than ODD_SQL
ODD_SQL = """INSERT INTO t VALUES('it''s;
', ";
", `;
`, [;
]); /* ';
*/ -- ";
CREATE TRIGGER "tr;
" AFTER INSERT ON u BEGIN SELECT ';
'; SELECT 1;
END; DROP TRIGGER "tr;
";
"""


def test_statements_that_cross_blocks(tmp_path: Path) -> None:
    """A block may end anywhere: in quotes, brackets, comments, a trigger, or inside a comment mark."""
    begun = "CREATE TABLE t (a, b DEFAULT 1, c, d);\nCREATE TABLE u (a);\nBEGIN;\nINSERT INTO u VALUES('"
    odd = ODD_SQL.replace(
        '";\n", `;\n`, [;\n]',
        """(SELECT a AS ";\n" FROM u), (SELECT a AS `;\n` FROM u),
        (SELECT a AS [;\n] FROM u)""",
    )
    for before in range(len(odd)):
        filling = "x" * (BLOCK - len(begun) - len("');\n") - before)
        (tmp_path / "dump.sql").write_text(f"{begun}{filling}');\n{odd}{odd}COMMIT;\n")
        load_dump(tmp_path / "dump.sql", tmp_path / "loaded.db", durable=False, block=BLOCK)
        assert rows(tmp_path / "loaded.db", "SELECT a, b = c AND c = d FROM t") == [("it's;\n", 1)] * 2


@pytest.mark.parametrize("missing", [1, 3, 10], ids=["the-commit", "three-statements", "ten-statements"])
def test_a_dump_truncated_between_statements_is_refused(tmp_path: Path, missing: int) -> None:
    """A dump without its final COMMIT is refused, even if all its statements are complete."""
    source = torture.build(tmp_path / "source.db", torture.autoincrement)
    write_dump(source, tmp_path / "dump.sql")
    lines = (tmp_path / "dump.sql").read_bytes().splitlines(keepends=True)
    (tmp_path / "dump.sql").write_bytes(b"".join(lines[:-missing]))
    with pytest.raises(IntegrityCheckFailed, match="ends in the middle"):
        load_dump(tmp_path / "dump.sql", tmp_path / "loaded.db")
    assert not (tmp_path / "loaded.db").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH '{}/victim.db' AS other",
        "VACUUM INTO '{}/victim.db'",
        "SELECT load_extension('{}/victim.db')",
        "SELECT writefile('{}/victim.db', 'x')",
        ".shell touch {}/victim.db",
    ],
    ids=["attach", "vacuum-into", "load-extension", "writefile", "shell"],
)
def test_a_hostile_dump_cannot_write_other_files(tmp_path: Path, statement: str) -> None:
    """A statement that would write to another file is refused and writes nothing."""
    (tmp_path / "dump.sql").write_text(f"CREATE TABLE t (x);\n{statement.format(tmp_path)};\n")
    with pytest.raises(IntegrityCheckFailed):
        load_dump(tmp_path / "dump.sql", tmp_path / "loaded.db")
    assert [path.name for path in tmp_path.iterdir()] == ["dump.sql"]


def test_the_error_about_a_damaged_dump_quotes_no_data(tmp_path: Path) -> None:
    """The error contains no data, because it may be logged."""
    (tmp_path / "dump.sql").write_text("CREATE TABLE t (x);\nINSERT INTO t VALUES ('secret' 'secret');\n")
    with pytest.raises(IntegrityCheckFailed) as raised:
        load_dump(tmp_path / "dump.sql", tmp_path / "loaded.db")
    assert "secret" not in str(raised.value)


@pytest.mark.slow
def test_a_database_across_the_lock_page(tmp_path: Path) -> None:
    """Copy, digests and dump are right beyond 1 GiB, where SQLite never uses the page of the lock bytes."""
    source = _make_larger_than_a_gibibyte(tmp_path / "source.db")
    take_snapshot(source, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").stat().st_size > 1 << 30
    assert check(tmp_path / "copy.db").integrity == ()
    loaded = _reloaded(tmp_path / "copy.db")
    assert read_tables(tmp_path / "copy.db") == read_tables(loaded)
    assert rows(loaded, "SELECT count(*), sum(length(x)) FROM kept") == [(1001, (10 << 20) + 1000)]


def _make_larger_than_a_gibibyte(path: Path) -> Path:
    """Make a database with a value across the lock page and rows behind it, the rest free pages."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("page_size = 65536", "journal_mode = OFF", "synchronous = OFF", "secure_delete = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE filler (x)")
        connection.executemany("INSERT INTO filler VALUES (zeroblob(?))", [(93 << 20,)] * 11)
        connection.execute("CREATE TABLE kept (x)")
        before = path.stat().st_size
        connection.execute("INSERT INTO kept VALUES (randomblob(?))", (10 << 20,))
        assert before < 1 << 30 < path.stat().st_size
        connection.executemany("INSERT INTO kept VALUES (?)", [("x",)] * 1000)
        connection.execute("DROP TABLE filler")
    return path
