"""Salvage: copies what can be read from a damaged database into a new, sound one. What is lost stays unknown."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw

from sqlitevault.database.connection import new_database, open_copy
from sqlitevault.database.header import HEADER_BYTES, parse_header
from sqlitevault.database.schema import TableShape, quoted, tables
from sqlitevault.ground.errors import SqliteVaultError

_PAGE_COUNT = slice(28, 32)  # "in-header database size", file format, section 1.3.8
_MOST_BYTES = 100 << 30
_Row = tuple[object, ...]


def copy_readable(damaged: Path, destination: Path) -> bool:
    """Make a new database from every row that can still be read; False if not even the schema can be read.

    A table is read from its beginning up to the damage, then from its end back to it. A truncated file is first padded
    with zeros, because SQLite does not open a file that is shorter than its header says.
    """
    try:
        _fill_up(damaged)
        destination.unlink(missing_ok=True)
        with open_copy(damaged) as source, new_database(destination) as copy:
            copy.execute("BEGIN")
            for table in tables(source):
                if table.kind == "table" and not table.name.startswith("sqlite_"):
                    _copy_table(source, copy, table)
            _copy_others(source, copy)
            copy.execute("COMMIT")
            return bool(copy.execute("SELECT count(*) FROM sqlite_schema").get)
    except (SqliteVaultError, apsw.Error):
        destination.unlink(missing_ok=True)
        return False


def _fill_up(database: Path) -> None:
    with database.open("r+b") as file:
        header = file.read(HEADER_BYTES)
        pages = int.from_bytes(header[_PAGE_COUNT])
        page_size = parse_header(header).page_size
        if database.stat().st_size < pages * page_size <= _MOST_BYTES:
            file.truncate(pages * page_size)


def _copy_table(source: apsw.Connection, copy: apsw.Connection, table: TableShape) -> None:
    with suppress(apsw.Error):
        copy.execute(table.sql)
        columns = table.placed_columns
        listed = ", ".join(columns)
        insert = f"INSERT OR IGNORE INTO {quoted(table.name)} ({listed}) VALUES ({', '.join('?' * len(columns))})"
        for row in _readable_rows(source, table, listed):
            with suppress(apsw.Error):
                copy.execute(insert, row)


def _readable_rows(source: apsw.Connection, table: TableShape, listed: str) -> Iterator[_Row]:
    """Yield rows up to the damage, from both ends; reading a row twice does no harm."""
    order = table.rowid_alias or "1"
    for direction in ("ASC", "DESC"):
        query = f"SELECT {listed} FROM {quoted(table.name)} NOT INDEXED ORDER BY {order} {direction}"
        try:
            yield from source.execute(query)
        except apsw.Error:
            continue
        return


def _copy_others(source: apsw.Connection, copy: apsw.Connection) -> None:
    for kind in ("index", "view", "trigger"):
        found: list[str] = []
        with suppress(apsw.Error):
            query = "SELECT sql FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL ORDER BY rowid"
            found = [str(sql) for (sql,) in source.execute(query, (kind,))]
        for sql in found:
            with suppress(apsw.Error):  # a unique index that the rows now break, for example
                copy.execute(sql)
