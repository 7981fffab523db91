"""Write a private copy as SQL text. The text of each row is made inside SQLite, which is as fast as its own shell.

What the usual dumps lose is kept: text with NUL or invalid encoding, infinities, implicit rowids, virtual tables with
their shadow tables, AUTOINCREMENT counters, statistics, user_version, application_id, page size, auto-vacuum and
encoding. Only the sign of -0.0 cannot be said in SQL text.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import apsw

from sqlitevault.database import open_copy
from sqlitevault.database.schema import TableShape, concatenated, exact_text, quoted, scan_order, tables
from sqlitevault.vault import OnBytes, ignore_bytes

_BUFFER = 1 << 20
_NOT_ASCII = "'*[^' || char(1) || '-' || char(127) || ']*'"
_AUTO_VACUUM = ("NONE", "FULL", "INCREMENTAL")


def write_dump(database: Path, destination: Path, *, on_bytes: OnBytes = ignore_bytes) -> None:
    """Write the private copy `database` as SQL to `destination`, which appears whole or not at all.

    The same content gives the same text. Loads with `load_dump` and with the sqlite3 command-line tool.

    Raises:
        SourceCorrupt: the database cannot be read.
        SourceUnsupported: it needs a newer SQLite.
    """
    with open_copy(database) as connection, _whole(destination) as out:
        connection.create_scalar_function("valid_utf8", _is_utf8, 1, deterministic=True)
        for part in _statements(connection):
            out.write(part)
            on_bytes(len(part))


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


@contextmanager
def _whole(destination: Path) -> Iterator[BinaryIO]:
    unfinished = destination.with_name(f".{destination.name}.unfinished")
    try:
        with unfinished.open("wb", buffering=_BUFFER) as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(destination)
    finally:
        unfinished.unlink(missing_ok=True)


def _statements(connection: apsw.Connection) -> Iterator[bytes]:
    found = tables(connection)
    names = {table.name for table in found}
    yield from _opening(connection)
    for table in found:
        if table.kind != "virtual" and not table.name.startswith("sqlite_"):
            yield _encoded(f"{table.sql};\n")
            yield from _rows(connection, table)
    if "sqlite_sequence" in names:
        yield b"DELETE FROM sqlite_sequence;\n"
        yield from _rows(connection, next(table for table in found if table.name == "sqlite_sequence"))
    yield from _virtual_tables([table for table in found if table.kind == "virtual"])
    yield from _others(connection)
    yield from _statistics(connection, found)
    yield _closing(connection)


def _opening(connection: apsw.Connection) -> Iterator[bytes]:
    auto_vacuum = _AUTO_VACUUM[int(connection.pragma("auto_vacuum"))]
    yield _encoded(
        f"PRAGMA encoding = '{connection.pragma('encoding')}';\n"
        f"PRAGMA page_size = {connection.pragma('page_size')};\n"
        f"PRAGMA auto_vacuum = {auto_vacuum};\n"
        "PRAGMA foreign_keys = OFF;\n"
        "BEGIN TRANSACTION;\n"
    )


def _closing(connection: apsw.Connection) -> bytes:
    return _encoded(
        f"PRAGMA user_version = {connection.pragma('user_version')};\n"
        f"PRAGMA application_id = {connection.pragma('application_id')};\n"
        "COMMIT;\n"
    )


def _rows(connection: apsw.Connection, table: TableShape) -> Iterator[bytes]:
    if not table.columns:
        return
    utf8 = connection.pragma("encoding") == "UTF-8"
    names = [quoted(column) for column in table.columns]
    values = [_literal(name, utf8=utf8) for name in names]
    if table.rowid_alias and not table.has_integer_primary_key and not table.name.startswith("sqlite_"):
        names.insert(0, table.rowid_alias)
        values.insert(0, f"quote({table.rowid_alias})")
    insert = f"INSERT INTO {quoted(table.name)}({','.join(names)}) VALUES("
    row = f"{_text(insert)} || {concatenated(values, _text(','))} || ');' || char(10)"
    for (line,) in connection.execute(
        f"SELECT {exact_text(row, utf8=utf8)} FROM {quoted(table.name)}{scan_order(table)}"
    ):
        yield line if isinstance(line, bytes) else line.encode()  # type: ignore[union-attr]


def _literal(column: str, *, utf8: bool) -> str:
    """Return SQL that writes one value as a literal that gives it back exactly.

    As bytes: text with a NUL (quote() stops there), with a carriage return (the sqlite3 shell drops it on reading),
    and text that is not valid in its encoding. 9e999 is the infinity that every version reads.
    """
    as_bytes = f"'CAST(' || quote(CAST({column} AS BLOB)) || ' AS TEXT)'"
    if utf8:
        odd = (
            f"instr(CAST({column} AS BLOB), x'00') OR instr({column}, char(13)) "
            f"OR {column} GLOB {_NOT_ASCII} AND NOT valid_utf8(CAST({column} AS BLOB))"
        )
    else:
        odd = f"{column} GLOB '*[^ -~]*' OR instr(CAST({column} AS BLOB), x'0000')"  # GLOB stops at a NUL
    text = f"CASE WHEN {odd} THEN {as_bytes} ELSE quote({column}) END"
    real = f"CASE {column} WHEN 9e999 THEN '9e999' WHEN -9e999 THEN '-9e999' ELSE quote({column}) END"
    return f"CASE typeof({column}) WHEN 'text' THEN {text} WHEN 'real' THEN {real} ELSE quote({column}) END"


def _virtual_tables(virtual: list[TableShape]) -> Iterator[bytes]:
    """Enter virtual tables into the schema: CREATE would make their shadow tables, which are there already."""
    if not virtual:
        return
    yield b"PRAGMA writable_schema = ON;\n"
    for table in virtual:
        name = _text(table.name)
        yield _encoded(
            "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql) "
            f"VALUES('table',{name},{name},0,{_text(table.sql)});\n"
        )
    yield b"PRAGMA writable_schema = OFF;\n"


def _others(connection: apsw.Connection) -> Iterator[bytes]:
    for kind in ("index", "view", "trigger"):
        found = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL ORDER BY rowid", (kind,)
        )
        for (sql,) in found:
            yield _encoded(f"{sql};\n")


def _statistics(connection: apsw.Connection, found: tuple[TableShape, ...]) -> Iterator[bytes]:
    statistics = [table for table in found if table.name in ("sqlite_stat1", "sqlite_stat4")]
    if not statistics:
        return
    yield b"ANALYZE sqlite_schema;\n"
    for table in statistics:
        yield _encoded(f"DELETE FROM {table.name};\n")
        yield from _rows(connection, table)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _encoded(sql: str) -> bytes:
    return sql.encode("utf-8", "surrogatepass")
