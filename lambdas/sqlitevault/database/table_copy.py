"""Copy single tables of a private copy into a database of their own: the side database of a partial restore."""

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import apsw

from sqlitevault.database import open_copy
from sqlitevault.database.connection import uri_path
from sqlitevault.database.schema import TableShape, quoted, rows_in_order, tables
from sqlitevault.ground.errors import ConfigError, SourceUnsupported

# Nobody else ever opens the file: no journal is needed, and the fsync comes at the end.
_PRIVATE = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF"


def copy_tables(source: Path, destination: Path, names: Sequence[str]) -> None:
    """Make the database `destination` with these tables of `source`: rows, rowids and indexes, but no triggers.

    Raises:
        ConfigError: there is no such ordinary table.
        SourceUnsupported: a table uses a function or collation that is not available here.
    """
    with open_copy(source) as original:
        found = {table.name.lower(): table for table in tables(original)}
        settings = [(name, original.pragma(name)) for name in ("encoding", "page_size")]
        indexes = original.execute(
            "SELECT lower(tbl_name), sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid"
        ).fetchall()
    wanted = [_ordinary(found, name) for name in dict.fromkeys(name.lower() for name in names)]
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
    with closing(apsw.Connection(f"file:{uri_path(destination)}", flags=flags)) as connection:
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        for name, value in settings:
            connection.execute(f"PRAGMA {name} = {quoted(str(value))}")
        connection.execute(_PRIVATE)
        connection.execute("ATTACH ? AS source", (f"file:{uri_path(source)}?immutable=1",))
        try:
            _copy(connection, wanted, indexes)
        except apsw.SQLError as error:
            raise SourceUnsupported(
                f"a table could not be copied: {error}", hint="Restore the whole database to another place: --target."
            ) from error
    with destination.open("rb") as written:
        os.fsync(written.fileno())


def _ordinary(found: dict[str, TableShape], name: str) -> TableShape:
    table = found.get(name)
    if table is None or table.name.startswith("sqlite_"):
        names = ", ".join(sorted(table.name for table in found.values() if table.kind == "table"))
        raise ConfigError(f"there is no table {name!r} in the backup", hint=f"It has: {names}.")
    if table.kind != "table":
        raise ConfigError(
            f"{table.name!r} is no ordinary table: it cannot be restored alone",
            hint="Restore the whole database to another place with --target, and copy from there.",
        )
    return table


def _copy(connection: apsw.Connection, wanted: Sequence[TableShape], indexes: Sequence[Sequence[object]]) -> None:
    connection.execute("BEGIN")
    for table in wanted:
        connection.execute(table.sql)
        columns = ", ".join(_stored(table))
        connection.execute(
            f"INSERT INTO main.{quoted(table.name)} ({columns}) "
            f"SELECT {columns} {rows_in_order(table, database='source')}"
        )
        for belongs_to, sql in indexes:
            if belongs_to == table.name.lower():
                connection.execute(str(sql))
    connection.execute("COMMIT")


def _stored(table: TableShape) -> list[str]:
    """Return the columns, with the rowid where nothing else keeps it: the content digest goes by its order."""
    columns = [quoted(column) for column in table.columns]
    if table.rowid_alias and not table.integer_primary_key:
        columns.insert(0, table.rowid_alias)
    return columns
