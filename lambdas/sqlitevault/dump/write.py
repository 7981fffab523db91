"""Write a private copy as SQL text. The text of each row is made inside SQLite, which is as fast as its own shell.

What the usual dumps lose is kept: text with NUL or invalid encoding, infinities, implicit rowids, virtual tables with
their shadow tables, AUTOINCREMENT counters, statistics, user_version, application_id, page size, auto-vacuum and
encoding. What cannot be kept: rowids of a table whose columns took all three of their names.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import apsw

from sqlitevault.database import open_copy
from sqlitevault.database.schema import TableShape, concatenated, exact_text, quoted, scan_order, tables
from sqlitevault.progress import OnBytes, ignore_bytes

_BUFFER = 1 << 20
_RUN_BYTES = 256 * 1024
_AUTO_VACUUM = ("NONE", "FULL", "INCREMENTAL")
_KEPT_BY_SQLITE = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4")


def write_dump(database: Path, destination: Path, *, on_bytes: OnBytes = ignore_bytes) -> None:
    """Write the private copy `database` as SQL to `destination`, which appears whole or not at all.

    The same content gives the same text. Loads with `load_dump` and with the sqlite3 command-line tool.

    Raises:
        SourceCorrupt: the database cannot be read.
        SourceUnsupported: it needs a newer SQLite, or functions of its own, so that the dump could not be loaded.
    """
    with open_copy(database) as connection, _whole(destination) as out:
        for part in _statements(connection):
            out.write(part)
            on_bytes(len(part))


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
    _rehearse(found)
    yield from _opening(connection)
    for table in found:
        if _is_ordinary(table):
            yield _encoded(f"{table.sql};\n")
            yield from _rows(connection, table)
    yield from _virtual_tables([table for table in found if table.kind == "virtual"])
    yield from _others(connection)
    for table in found:
        if table.name in _KEPT_BY_SQLITE:
            yield from _kept_by_sqlite(connection, table, found)
    yield _closing(connection)


def _rehearse(found: tuple[TableShape, ...]) -> None:
    """Raise if a table could not be made anew: nothing else asks for the functions in its CHECK constraints."""
    with closing(apsw.Connection(":memory:")) as empty:
        empty.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
        empty.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        for table in found:
            if _is_ordinary(table):
                empty.execute(table.sql)


def _is_ordinary(table: TableShape) -> bool:
    return table.kind != "virtual" and not table.name.startswith("sqlite_")


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
    """Yield INSERTs, many at a time: with quote() while that is exact, and without it from there on.

    A run of lines is exact if it is valid UTF-8 and has no carriage return, which the sqlite3 shell drops on reading.
    quote() itself ends text at a NUL; that is seen to in SQL.
    """
    if not table.columns:
        return
    utf8 = connection.pragma("encoding") == "UTF-8"
    written = 0
    if utf8:
        for lines in _runs(connection, table, _quick_literal, utf8=True):
            joined = b"".join(lines)
            if not _is_exact(joined):
                break
            yield joined
            written += len(lines)
        else:
            return
    for lines in _runs(connection, table, _exact_literal if utf8 else _exact_utf16_literal, utf8=utf8, skip=written):
        yield b"".join(lines)


def _is_exact(lines: bytes) -> bool:
    if b"\r" in lines:
        return False
    if lines.isascii():
        return True
    try:
        lines.decode()
    except UnicodeDecodeError:
        return False
    return True


def _runs(
    connection: apsw.Connection, table: TableShape, literal: Callable[[str], str], *, utf8: bool, skip: int = 0
) -> Iterator[list[bytes]]:
    names = [quoted(column) for column in table.columns]
    values = [literal(name) for name in names]
    if table.rowid_alias and not table.has_integer_primary_key and not table.name.startswith("sqlite_"):
        names.insert(0, table.rowid_alias)
        values.insert(0, f"quote({table.rowid_alias})")
    insert = f"INSERT INTO {quoted(table.name)}({','.join(names)}) VALUES("
    row = exact_text(f"{_text(insert)} || {concatenated(values, _text(','))} || ');' || char(10)", utf8=utf8)
    query = f"SELECT {row} FROM {quoted(table.name)}{scan_order(table)} LIMIT -1 OFFSET ?"
    lines: list[bytes] = []
    size = 0
    for (line,) in connection.execute(query, (skip,)):
        lines.append(line if isinstance(line, bytes) else str(line).encode())
        size += len(lines[-1])
        if size > _RUN_BYTES:
            yield lines
            lines, size = [], 0
    yield lines


def _quick_literal(column: str) -> str:
    """Return SQL for a literal: quote(), but for text with a NUL. length() ends at NULs, octet_length() not."""
    nul = f"length({column}) <> octet_length({column}) AND instr(CAST({column} AS BLOB), x'00')"
    return _literal(column, as_bytes=nul)


def _exact_literal(column: str) -> str:
    """Return SQL for a value's literal that is exact for any text: as bytes unless it is printable ASCII."""
    return _careful_literal(column, nul="x'00'")


def _exact_utf16_literal(column: str) -> str:
    return _careful_literal(column, nul="x'0000'")


def _careful_literal(column: str, *, nul: str) -> str:
    odd = f"{column} GLOB '*[^ -~]*' OR instr(CAST({column} AS BLOB), {nul})"  # GLOB, too, ends at a NUL
    return _literal(column, as_bytes=odd)


def _literal(column: str, *, as_bytes: str) -> str:
    plain = f"quote({column})"
    text = f"iif({as_bytes}, 'CAST(' || quote(CAST({column} AS BLOB)) || ' AS TEXT)', {plain})"
    # quote() drops the sign of -0.0; the angle of a point on the negative axis shows it.
    real = f"iif({column} = 0 AND atan2({column}, -1) < 0, '-0.0', {plain})"
    return f"CASE typeof({column}) WHEN 'text' THEN {text} WHEN 'real' THEN {real} ELSE {plain} END"


def _virtual_tables(virtual: list[TableShape]) -> Iterator[bytes]:
    """Enter virtual tables into the schema: CREATE would make their shadow tables, which are there already."""
    for table in virtual:
        name = _text(table.name)
        yield _with_writable_schema(
            "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql) "
            f"VALUES('table',{name},{name},0,{_text(table.sql)});\n"
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
    """Yield the statement, and what makes its text the same again where a comment at its end must be closed first."""
    ending = next((ending for ending in (";", "\n;", "*/;") if apsw.complete(sql + ending)), ";")
    yield _encoded(f"{sql}{ending}\n")
    if ending != ";":
        entry = f"type = {_text(kind)} AND name = {_text(name)}"
        yield _with_writable_schema(f"UPDATE sqlite_schema SET sql = {_text(sql)} WHERE {entry};\n")


def _kept_by_sqlite(connection: apsw.Connection, table: TableShape, found: tuple[TableShape, ...]) -> Iterator[bytes]:
    """Yield the rows of a table that SQLite makes itself, or only may make: not every library knows sqlite_stat4."""
    if table.name != "sqlite_sequence" or not any(other.counts_up for other in found):
        yield _with_writable_schema(table.sql.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1) + ";\n")
    yield _encoded(f"DELETE FROM {table.name};\n")
    yield from _rows(connection, table)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _encoded(sql: str) -> bytes:
    return sql.encode("utf-8", "surrogatepass")
