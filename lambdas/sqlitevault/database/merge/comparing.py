"""How a table differs between two databases. Both are opened read-only."""

from dataclasses import dataclass
from pathlib import Path

import apsw

from sqlitevault.database.merge.attached import attached
from sqlitevault.database.merge.shape import columns_of, shape_of
from sqlitevault.database.schema import quoted
from sqlitevault.ground.errors import ConfigError


@dataclass(frozen=True, slots=True)
class TableDifference:
    """Rows of a table by primary key: only in the copy, only in the live database, in both but different, the same."""

    only_in_copy: int
    only_live: int
    different: int
    same: int


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One row that differs: `removed` (only in the copy), `added` (only live) or `changed`; `key` as SQL literals."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class RowsApart:
    """Rows that only one of the databases has, compared as wholes: one that was changed is in both figures."""

    only_in_copy: int
    only_live: int


def compare_table(live: Path, copy: Path, table: str) -> TableDifference:
    """Count how a table differs between the live database and a restored copy.

    Raises:
        ConfigError: the table is missing in one of them, has other columns, or no primary key that names single rows.
        SourceBusy: the live database is locked.
    """
    with attached(live, copy, read_only=True) as connection:
        shape = shape_of(connection, table)
        only_in_copy = count(connection, f"FROM {shape.copy} WHERE {shape.only_in_copy}")
        only_live = count(connection, f"FROM {shape.live} WHERE NOT EXISTS (SELECT 1 FROM {shape.copy_row})")
        shared = count(connection, f"FROM {shape.copy} JOIN {shape.live} ON {shape.same_key}")
        different = count(
            connection, f"FROM {shape.copy} JOIN {shape.live} ON {shape.same_key} WHERE {shape.different}"
        )
    return TableDifference(only_in_copy, only_live, different, shared - different)


def differing_rows(live: Path, copy: Path, table: str, *, limit: int) -> tuple[RowDifference, ...]:
    """Name up to `limit` rows of each kind that differ, by their primary key.

    Raises:
        ConfigError, SourceBusy: as for `compare_table`.
    """
    with attached(live, copy, read_only=True) as connection:
        shape = shape_of(connection, table)
        sources = {
            "removed": ("copy", f"FROM {shape.copy} WHERE {shape.only_in_copy}"),
            "added": ("live", f"FROM {shape.live} WHERE NOT EXISTS (SELECT 1 FROM {shape.copy_row})"),
            "changed": ("live", f"FROM {shape.copy} JOIN {shape.live} ON {shape.same_key} WHERE {shape.different}"),
        }
        encoding = str(connection.pragma("encoding"))
        return tuple(
            RowDifference(kind, bytes(key).decode(encoding, "backslashreplace"))
            for kind, (side, source) in sources.items()
            for (key,) in connection.execute(f"SELECT CAST({shape.key_text(side)} AS BLOB) {source} LIMIT ?", (limit,))
        )


def rows_apart(live: Path, copy: Path, table: str) -> RowsApart:
    """Count the rows that only one of the databases has, by the columns that both have: for tables without a key.

    Equal rows are counted: of three that became two, one is gone.

    Raises:
        ConfigError: the tables have no column in common.
        SourceBusy: the live database is locked.
    """
    with attached(live, copy, read_only=True) as connection:
        there = columns_of(connection, "copy", table)
        shared = [quoted(name) for name in columns_of(connection, "main", table) if name in there]
        if not shared:
            raise ConfigError(f"the table {table!r} has no column in common", hint="Compare it by hand.")
        columns = ", ".join(f"{name} AS c{number}" for number, name in enumerate(shared))
        wholes = ", ".join(f"c{number} COLLATE BINARY, typeof(c{number})" for number, _ in enumerate(shared))
        both = (
            f"SELECT 1 AS surplus, {columns} FROM main.{quoted(table)} "
            f"UNION ALL SELECT -1, {columns} FROM copy.{quoted(table)}"
        )
        by_row = f"SELECT sum(surplus) AS surplus FROM ({both}) GROUP BY {wholes}"
        sums = ", ".join(f"coalesce(sum(max({surplus}, 0)), 0)" for surplus in ("surplus", "-surplus"))
        added, removed = connection.execute(f"SELECT {sums} FROM ({by_row})").get
    return RowsApart(only_in_copy=removed, only_live=added)


def count(connection: apsw.Connection, source: str) -> int:
    """Return how many rows a FROM clause gives."""
    return int(connection.execute(f"SELECT count(*) {source}").get)
