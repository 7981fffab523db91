"""Tests of SQLite's checks of a copy: damage, violated keys, and features that this SQLite does not have."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from sqlitevault.database.application_tables import key_metadata
from sqlitevault.database.checks import check
from sqlitevault.database.content import read_tables, schema_digest
from sqlitevault.database.header import MAGIC
from sqlitevault.dump.write import write_dump
from sqlitevault.ground.errors import SourceCorrupt, SourceUnsupported
from sqlitevault.profiles import load_profile
from tests import torture, torture_schema
from tests.databases import execute, make_bank

_VERSION_OFFSET = 96  # version of the library that wrote last: file format, section 1.3
_NEWER = 3_999_001


def _with_function(connection: sqlite3.Connection) -> None:
    connection.create_function("secret_sauce", 1, lambda value: value, deterministic=True)
    connection.execute("CREATE TABLE t (x)")
    connection.execute("INSERT INTO t VALUES (1)")
    connection.execute("CREATE INDEX i ON t(secret_sauce(x))")


def _with_generated_column(connection: sqlite3.Connection) -> None:
    connection.create_function("secret_sauce", 1, lambda value: value, deterministic=True)
    connection.execute("CREATE TABLE t (x, y AS (secret_sauce(x)))")
    connection.execute("INSERT INTO t VALUES (1)")


def _with_check(connection: sqlite3.Connection) -> None:
    connection.create_function("secret_sauce", 1, lambda value: value, deterministic=True)
    connection.execute("CREATE TABLE t (x CHECK (secret_sauce(x)))")
    connection.execute("INSERT INTO t VALUES (1)")


def _with_collation(connection: sqlite3.Connection) -> None:
    connection.create_collation("secret_sauce", lambda left, right: (left > right) - (left < right))
    connection.execute("CREATE TABLE t (x TEXT COLLATE secret_sauce PRIMARY KEY) WITHOUT ROWID")
    connection.execute("INSERT INTO t VALUES ('a'), ('b')")


def _with_module(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE t (x)")
    connection.execute("PRAGMA writable_schema = ON")
    sql = "CREATE VIRTUAL TABLE v USING secret_sauce(x)"
    connection.execute("INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, ?)", (sql,))


def _with_tokenizer(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE VIRTUAL TABLE v USING fts5(x)")
    connection.execute("INSERT INTO v VALUES ('word')")
    connection.execute("PRAGMA writable_schema = ON")
    sql = "CREATE VIRTUAL TABLE v USING fts5(x, tokenize=''secret_sauce'')"
    connection.execute(f"UPDATE sqlite_schema SET sql = '{sql}' WHERE name = 'v'")


FEATURES = (_with_function, _with_generated_column, _with_check, _with_collation, _with_module, _with_tokenizer)
READERS: dict[str, Callable[[Path], object]] = {
    "check": check,
    "read_tables": read_tables,
    "dump": lambda path: write_dump(path, path.with_suffix(".sql")),
}


@pytest.mark.parametrize("fill", FEATURES, ids=lambda fill: fill.__name__.removeprefix("_with_"))
def test_a_part_that_only_the_application_has_is_named(tmp_path: Path, fill: torture.Fill) -> None:
    """A database that needs the application's code is not reported as corrupt; the error names the missing part."""
    path = torture.build(tmp_path / "a.db", fill)
    with pytest.raises(SourceUnsupported, match="secret_sauce") as raised:
        check(path)
        write_dump(path, tmp_path / "a.sql")
    assert "corrupt" not in str(raised.value)
    assert "malformed" not in str(raised.value)


def _written_by_a_newer_sqlite(path: Path, definition: str) -> Path:
    """Make a database whose table has a definition that only a newer SQLite knows."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE future (x)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = ?", (definition,))
    content = bytearray(path.read_bytes())
    content[_VERSION_OFFSET : _VERSION_OFFSET + 4] = _NEWER.to_bytes(4, "big")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize(
    ("definition", "named"),
    [
        ("CREATE TABLE future (x) TIMELESS", "TIMELESS"),
        ("CREATE TABLE future (x FOLDED INTO y)", "INTO"),
        ("CREATE VIRTUAL TABLE future USING telepathy(x)", "telepathy"),
    ],
    ids=["option", "syntax", "module"],
)
def test_a_newer_sqlite_is_named(tmp_path: Path, reader: Callable[[Path], object], definition: str, named: str) -> None:
    """The error names the SQLite that wrote the schema and the unknown part, and says that the data is not damaged."""
    path = _written_by_a_newer_sqlite(tmp_path / "a.db", definition)
    with pytest.raises(SourceUnsupported, match=named) as raised:
        reader(path)
    assert "3.999.1" in str(raised.value)
    assert "malformed" not in str(raised.value)
    assert "not damaged" in raised.value.hint
    assert apsw.sqlite_lib_version() in raised.value.hint
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.db"]


def test_a_function_of_a_newer_sqlite_is_named(tmp_path: Path) -> None:
    """A generated column with a function of a newer SQLite is refused, because its dump could not be loaded here."""
    path = _written_by_a_newer_sqlite(tmp_path / "a.db", "CREATE TABLE future (x, y AS (telepathy(x)))")
    with pytest.raises(SourceUnsupported, match="telepathy"):
        write_dump(path, tmp_path / "a.sql")
    assert check(path).integrity == ()


def test_a_schema_that_no_newer_sqlite_explains_is_corrupt(tmp_path: Path) -> None:
    """The same definition is damage in a file that a known SQLite wrote last."""
    path = _written_by_a_newer_sqlite(tmp_path / "a.db", "CREATE TABLE future (x) TIMELESS")
    content = path.read_bytes()
    path.write_bytes(content[:_VERSION_OFFSET] + (3_040_001).to_bytes(4, "big") + content[_VERSION_OFFSET + 4 :])
    with pytest.raises(SourceCorrupt, match="TIMELESS"):
        schema_digest(path)
    assert "TIMELESS" in check(path).integrity[0]


def test_damage_written_by_a_newer_sqlite_is_still_damage(tmp_path: Path) -> None:
    """A torn page is not taken as a feature of a newer SQLite."""
    path = make_bank(tmp_path / "a.db")
    content = bytearray(path.read_bytes())
    content[_VERSION_OFFSET : _VERSION_OFFSET + 4] = _NEWER.to_bytes(4, "big")
    content[4096 : 3 * 4096] = b"\xa5" * 8192
    path.write_bytes(content)
    assert check(path).integrity
    with pytest.raises(SourceCorrupt):
        read_tables(path)


@pytest.mark.parametrize("where", range(1, 9))
def test_a_destroyed_page_is_found(tmp_path: Path, where: int) -> None:
    """integrity_check finds any overwritten page."""
    path = make_bank(tmp_path / "a.db", rows=200)
    content = bytearray(path.read_bytes())
    content[where * 4096 : (where + 1) * 4096] = bytes(4096)
    path.write_bytes(content)
    assert check(path).integrity


@pytest.mark.parametrize("pages", [0, 1, 5], ids=["part-of-the-first-page", "one-page", "five-pages"])
def test_a_truncated_file_is_found(tmp_path: Path, pages: int) -> None:
    """A truncated file is reported as damaged."""
    path = make_bank(tmp_path / "a.db", rows=2000)
    path.write_bytes(path.read_bytes()[: pages * 4096 + 500])
    assert check(path).integrity


def test_other_files_are_not_databases(tmp_path: Path) -> None:
    """An empty file, text and a bare magic number are refused, each with its own message."""
    for content in (b"", b"hello" * 100, MAGIC + bytes(100)):
        (tmp_path / "a.db").write_bytes(content)
        with pytest.raises(SourceCorrupt):
            check(tmp_path / "a.db")


def test_violated_foreign_keys_are_reported_separately(tmp_path: Path) -> None:
    """Orphans, a missing parent table and a key that SQLite cannot enforce are named, but not as damage."""
    found = check(torture.build(tmp_path / "a.db", torture_schema.foreign_keys))
    assert found.integrity == ()
    assert sorted(found.foreign_keys) == [
        'foreign key mismatch - "mismatched" referencing "orphan"',
        "orphan row 1 -> missing",
        "orphan row 1 -> parent",
    ]


def test_a_million_orphans_make_a_short_report(tmp_path: Path) -> None:
    """Only the first hundred violations are reported."""
    execute(
        tmp_path / "a.db",
        "CREATE TABLE child (x REFERENCES parent(id))",
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 1000000) "
        "INSERT INTO child SELECT i FROM n",
    )
    assert len(check(tmp_path / "a.db").foreign_keys) == 100


def test_a_name_that_is_not_text_is_reported(tmp_path: Path) -> None:
    """A definition in another character set, which only a C program can write, is refused with the reason."""
    execute(tmp_path / "a.db", "CREATE TABLE caf_ (x)")
    path = tmp_path / "a.db"
    path.write_bytes(path.read_bytes().replace(b"caf_", b"caf\xe9"))
    for reader in (read_tables, schema_digest):
        with pytest.raises(SourceUnsupported, match="Unicode"):
            reader(path)


def test_a_renamed_schema_entry_is_found(tmp_path: Path) -> None:
    """A table whose schema entry was renamed by hand is not left out without notice."""
    path = make_bank(tmp_path / "a.db")
    execute(path, "PRAGMA user_version = 1")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET name = 'books' WHERE name = 'ledger'")
    with pytest.raises(SourceCorrupt, match="books"):
        read_tables(path)


@pytest.mark.parametrize("encoding", torture.ENCODINGS)
def test_key_metadata_of_any_text(tmp_path: Path, encoding: str) -> None:
    """A key's name with invalid text does not stop a backup, and the hash is not shown."""

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE api_keys (id INTEGER PRIMARY KEY, name TEXT, key_hash TEXT)")
        connection.execute("INSERT INTO api_keys VALUES (10, 'ké,y', 'HASH'), (9, CAST(x'41d8ffd8' AS TEXT), 'HASH')")

    keys = load_profile("devops_hub").require_keys()
    lines = (key_metadata(torture.build(tmp_path / "a.db", fill, encoding=encoding), keys) or b"").decode().splitlines()
    assert lines[0] == "id,name,scopes,is_active,created_at,expires_at"
    assert [line.split(",")[0] for line in lines[1:]] == ["9", "10"]
    assert lines[2] == '10,"ké,y",,,,'
    assert "HASH" not in "".join(lines)


@pytest.mark.slow
def test_a_row_too_long_for_sql_text(tmp_path: Path) -> None:
    """A row of half a gigabyte has a digest, but its dump fails with a clear error and leaves no file."""
    path = tmp_path / "a.db"
    execute(path, "CREATE TABLE t (x)", "PRAGMA synchronous = OFF", "INSERT INTO t VALUES (zeroblob(500000000))")
    assert [table.rows for table in read_tables(path)] == [1]
    with pytest.raises(SourceUnsupported, match="too long"):
        READERS["dump"](path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.db"]
