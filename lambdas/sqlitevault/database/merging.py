"""Bring rows of a table back from a restored copy into a live database, by primary key.

The live database changes in one transaction, as with any application; triggers do not fire, because they fired when
the rows were first written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw

from sqlitevault.database.pairing import TablePair, attached, count, pair_of
from sqlitevault.database.schema import quoted


@dataclass(frozen=True, slots=True)
class TableMerge:
    """A table that was merged.

    `refused_rows` could not be written: a newer row has the same unique value, or a constraint forbids them.
    `dangling_rows` are its rows that now refer to rows which do not exist.
    """

    table: str
    rows_written: int
    refused_rows: int
    dangling_rows: int


def merge_tables(live: Path, copy: Path, tables: Sequence[str], *, missing_only: bool) -> tuple[TableMerge, ...]:
    """Insert the copy's rows that the live tables lack; without `missing_only` also set differing rows back.

    All tables change in one transaction. Rows that only the live tables have stay.

    Raises:
        ConfigError: a table is missing in one of them, has other columns, or no primary key that names single rows.
        SourceBusy: the live database is locked.
        SourceCorrupt: the live database is damaged where the rows should go; nothing was written.
    """
    dangling = "SELECT count(*) FROM pragma_foreign_key_check(?)"
    with attached(live, copy, read_only=False) as connection:
        connection.execute("BEGIN IMMEDIATE")
        pairs = [pair_of(connection, table) for table in tables]
        written = [_merge(connection, pair, missing_only=missing_only) for pair in pairs]
        merged = tuple(
            TableMerge(
                table=pair.table,
                rows_written=rows,
                refused_rows=count(connection, pair.removed) + (0 if missing_only else count(connection, pair.changed)),
                dangling_rows=connection.execute(dangling, (pair.table,)).get,
            )
            for pair, rows in zip(pairs, written, strict=True)
        )
        connection.execute("COMMIT")
    return merged


def _merge(connection: apsw.Connection, pair: TablePair, *, missing_only: bool) -> int:
    """Write the rows; a row that another unique column forbids is left out and never replaces the row that has it."""
    before = connection.total_changes()
    if not missing_only:
        set_back = ", ".join(f"{name} = copy.{name}" for name in map(quoted, pair.keys + pair.others))
        connection.execute(
            f"UPDATE OR IGNORE {pair.live} SET {set_back} FROM {pair.copy} WHERE {pair.same_key} AND ({pair.different})"
        )
    insert = f"INSERT OR IGNORE INTO main.{quoted(pair.table)}"
    if pair.hidden_rowid is not None:  # rows go back where they were if the place is free: their order stays the same
        rowid = pair.hidden_rowid
        connection.execute(
            f"{insert} ({rowid}, {pair.columns}) SELECT {rowid}, {pair.columns} {pair.removed} "
            f"AND NOT EXISTS (SELECT 1 FROM {pair.live} WHERE live.{rowid} = copy.{rowid})"
        )
    connection.execute(f"{insert} ({pair.columns}) SELECT {pair.columns} {pair.removed}")
    return connection.total_changes() - before
