"""Writing a private copy as SQL text.

Unlike usual dumps, these keep text with NUL or invalid encoding, infinities, implicit rowids, virtual tables with their
shadow tables, AUTOINCREMENT counters, statistics, user_version, application_id, page size, auto-vacuum and encoding.
They cannot keep: rowids of a table whose columns use all three rowid names; text of digits and a NUL in a numeric
column, which SQLite 3.54 turns into a number on loading (3.40 does not); the last byte of UTF-16 text of odd length,
which only damage produces.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
from apsw import format_sql_value

from sqlitevault.database.connection import open_copy
from sqlitevault.database.schema import TableShape, tables
from sqlitevault.dump.inserts import insert_statements
from sqlitevault.ground.files import whole_file
from sqlitevault.ground.steps import OnBytes, ignore_bytes

_AUTO_VACUUM = ("NONE", "FULL", "INCREMENTAL")
_KEPT_BY_SQLITE = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4")


def write_dump(database: Path, destination: Path, *, on_bytes: OnBytes = ignore_bytes, durable: bool = True) -> None:
    """Write the private copy `database` as SQL to `destination`, whole or not at all, and sync it if `durable`.

    The same content gives the same text, which loads with `load_dump` and with the sqlite3 command-line tool.

    Raises:
        SourceCorrupt: the database cannot be read.
        SourceUnsupported: it needs a newer SQLite or the application's own functions, so the dump would not load.
    """
    with open_copy(database) as connection, whole_file(destination, durable=durable) as out:
        for part in _statements(connection):
            out.write(part)
            on_bytes(len(part))


def _statements(connection: apsw.Connection) -> Iterator[bytes]:
    found = tables(connection)
    _rehearse(found)
    yield _opening(connection)
    for table in found:
        if table.is_plain:
            yield _encoded(f"{table.sql};\n")
            yield from insert_statements(connection, table)
    for table in found:
        if table.kind == "virtual":
            yield _virtual_table(table)
    yield from _others(connection)
    for table in found:
        if table.name in _KEPT_BY_SQLITE:
            yield from _kept_by_sqlite(connection, table, found)
    for name in ("user_version", "application_id"):
        yield _encoded(f"PRAGMA {name} = {connection.pragma(name)};\n")
    yield b"COMMIT;\n"


def _rehearse(found: tuple[TableShape, ...]) -> None:
    """Raise if a table cannot be created again: nothing else calls the functions in its CHECK constraints."""
    with closing(apsw.Connection(":memory:")) as empty:
        empty.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
        empty.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        for table in found:
            if table.is_plain:
                empty.execute(table.sql)


def _opening(connection: apsw.Connection) -> bytes:
    auto_vacuum = _AUTO_VACUUM[int(connection.pragma("auto_vacuum"))]
    return _encoded(
        f"PRAGMA encoding = '{connection.pragma('encoding')}';\n"
        f"PRAGMA page_size = {connection.pragma('page_size')};\n"
        f"PRAGMA auto_vacuum = {auto_vacuum};\n"
        "PRAGMA foreign_keys = OFF;\n"
        "BEGIN TRANSACTION;\n"
    )


def _virtual_table(table: TableShape) -> bytes:
    """Insert a virtual table into the schema: CREATE would create its shadow tables, which already exist."""
    name, sql = format_sql_value(table.name), format_sql_value(table.sql)
    return _with_writable_schema(
        f"INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql) VALUES('table',{name},{name},0,{sql});\n"
    )


def _with_writable_schema(statement: str) -> bytes:
    return _encoded(f"PRAGMA writable_schema = ON;\n{statement}PRAGMA writable_schema = OFF;\n")


def _others(connection: apsw.Connection) -> Iterator[bytes]:
    for kind in ("index", "view", "trigger"):
        found = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL ORDER BY rowid", (kind,)
        )
        for name, sql in found:
            yield from _definition(kind, str(name), str(sql))


def _definition(kind: str, name: str, sql: str) -> Iterator[bytes]:
    """Yield the statement; if a comment at its end must be closed first, also yield an update to the original text."""
    ending = next((ending for ending in (";", "\n;", "*/;") if apsw.complete(sql + ending)), ";")
    yield _encoded(f"{sql}{ending}\n")
    if ending != ";":
        entry = f"type = '{kind}' AND name = {format_sql_value(name)}"
        yield _with_writable_schema(f"UPDATE sqlite_schema SET sql = {format_sql_value(sql)} WHERE {entry};\n")


def _kept_by_sqlite(connection: apsw.Connection, table: TableShape, found: tuple[TableShape, ...]) -> Iterator[bytes]:
    """Yield the rows of a table that SQLite creates itself, or may not: not every library knows sqlite_stat4."""
    if table.name != "sqlite_sequence" or not any(other.counts_up for other in found):
        yield _with_writable_schema(table.sql.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1) + ";\n")
    yield _encoded(f"DELETE FROM {table.name};\n")
    yield from insert_statements(connection, table)


def _encoded(sql: str) -> bytes:
    return sql.encode("utf-8", "surrogatepass")
