"""Bring the rows of one table back from a restored copy into a live database, by primary key.

The live database is changed in one transaction, as any application would; triggers do not fire, since the rows were
triggered on when they were first written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw

from sqlitevault.database.merge.attached import attached
from sqlitevault.database.merge.comparing import count
from sqlitevault.database.merge.shape import Shape, shape_of
from sqlitevault.database.schema import quoted


@dataclass(frozen=True, slots=True)
class TableMerge:
    """A table that was merged.

    `refused_rows` could not be written: a newer row has the same unique value, or a constraint forbids them.
    `dangling_rows` are rows of it that now refer to rows which do not exist.
    """

    table: str
    rows_written: int
    refused_rows: int
    dangling_rows: int


def merge_table(live: Path, copy: Path, table: str, *, missing_only: bool) -> int:
    """Insert the copy's rows that the live table lacks; without `missing_only` also set differing rows back.

    Returns the number of rows written. Rows that are only in the live table stay.

    Raises:
        ConfigError: the table is missing in one of them, has other columns, or no primary key that names single rows.
        SourceBusy: the live database is locked.
    """
    return merge_tables(live, copy, (table,), missing_only=missing_only)[0].rows_written


def merge_tables(live: Path, copy: Path, tables: Sequence[str], *, missing_only: bool) -> tuple[TableMerge, ...]:
    """Merge several tables as `merge_table` does, all of them in one transaction.

    Raises:
        ConfigError: a table is missing in one of them, has other columns, or no primary key that names single rows.
        SourceBusy: the live database is locked.
        SourceCorrupt: the live database is damaged where the rows should go; nothing was written.
    """
    with attached(live, copy, read_only=False) as connection:
        connection.execute("BEGIN IMMEDIATE")
        shapes = [shape_of(connection, table) for table in tables]
        written = [_merge(connection, shape, missing_only=missing_only) for shape in shapes]
        merged = tuple(
            TableMerge(shape.table, rows, _left(connection, shape, missing_only), _dangling(connection, shape.table))
            for shape, rows in zip(shapes, written, strict=True)
        )
        connection.execute("COMMIT")
    return merged


def _merge(connection: apsw.Connection, shape: Shape, *, missing_only: bool) -> int:
    """Write the rows; one that another unique column forbids is left out, and never replaces the row that has it."""
    before = connection.total_changes()
    if not missing_only:
        connection.execute(
            f"UPDATE OR IGNORE {shape.live} SET {shape.set_back} FROM {shape.copy} "
            f"WHERE {shape.same_key} AND ({shape.different})"
        )
    if shape.hidden_rowid is not None:
        _insert_with_rowid(connection, shape, shape.hidden_rowid)
    connection.execute(
        f"INSERT OR IGNORE INTO main.{quoted(shape.table)} ({shape.columns}) "
        f"SELECT {shape.columns} FROM {shape.copy} WHERE {shape.only_in_copy}"
    )
    return connection.total_changes() - before


def _insert_with_rowid(connection: apsw.Connection, shape: Shape, rowid: str) -> None:
    """Put rows back where they were, as long as their place is free: the order of rows is then as it was."""
    connection.execute(
        f"INSERT OR IGNORE INTO main.{quoted(shape.table)} ({rowid}, {shape.columns}) "
        f"SELECT {rowid}, {shape.columns} FROM {shape.copy} WHERE {shape.only_in_copy} "
        f"AND NOT EXISTS (SELECT 1 FROM {shape.live} WHERE live.{rowid} = copy.{rowid})"
    )


def _left(connection: apsw.Connection, shape: Shape, missing_only: bool) -> int:
    missing = count(connection, f"FROM {shape.copy} WHERE {shape.only_in_copy}")
    if missing_only:
        return missing
    changed = f"FROM {shape.copy} JOIN {shape.live} ON {shape.same_key} WHERE {shape.different}"
    return missing + count(connection, changed)


def _dangling(connection: apsw.Connection, table: str) -> int:
    return len(connection.execute("SELECT 1 FROM pragma_foreign_key_check(?)", (table,)).fetchall())
