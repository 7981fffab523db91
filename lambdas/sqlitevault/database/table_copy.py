"""Copies of single tables in a new database: the side database of a partial restore."""

from collections.abc import Sequence
from pathlib import Path

import apsw

from sqlitevault.database.connection import immutable_uri, new_database, open_copy
from sqlitevault.database.schema import TableShape, quoted, rows_in_order, tables
from sqlitevault.ground.errors import ConfigError, SourceUnsupported
from sqlitevault.ground.files import sync


def copy_tables(source: Path, destination: Path, names: Sequence[str]) -> None:
    """Create the database `destination` with these tables of `source`: rows, rowids and indexes, but no triggers.

    Raises:
        ConfigError: a table does not exist or is not an ordinary one.
        SourceUnsupported: a table uses a function or collation that is not available here.
    """
    with open_copy(source) as original:
        found = {table.name.lower(): table for table in tables(original)}
        settings = [(name, original.pragma(name)) for name in ("encoding", "page_size")]
        indexes = original.execute(
            "SELECT lower(tbl_name), sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid"
        ).fetchall()
    wanted = [_ordinary(found, name) for name in dict.fromkeys(name.lower() for name in names)]
    with new_database(destination) as connection:
        for name, value in settings:
            connection.execute(f"PRAGMA {name} = {quoted(str(value))}")
        connection.execute("ATTACH ? AS source", (immutable_uri(source),))
        try:
            _copy(connection, wanted, indexes)
        except apsw.SQLError as error:
            raise SourceUnsupported(
                f"a table could not be copied: {error}", hint="Restore the whole database to another place: --target."
            ) from error
    sync(destination)


def _ordinary(found: dict[str, TableShape], name: str) -> TableShape:
    table = found.get(name)
    if table is None or table.name.startswith("sqlite_"):
        names = ", ".join(sorted(table.name for table in found.values() if table.kind == "table"))
        raise ConfigError(f"there is no table {name!r} in the backup", hint=f"It has: {names}.")
    if table.kind != "table":
        raise ConfigError(
            f"{table.name!r} is not an ordinary table and cannot be restored separately",
            hint="Restore the whole database to another place with --target, and copy from there.",
        )
    return table


def _copy(connection: apsw.Connection, wanted: Sequence[TableShape], indexes: Sequence[Sequence[object]]) -> None:
    connection.execute("BEGIN")
    for table in wanted:
        connection.execute(table.sql)
        columns = ", ".join(table.placed_columns)
        connection.execute(
            f"INSERT INTO main.{quoted(table.name)} ({columns}) "
            f"SELECT {columns} {rows_in_order(table, database='source')}"
        )
        for belongs_to, sql in indexes:
            if belongs_to == table.name.lower():
                connection.execute(str(sql))
    connection.execute("COMMIT")
