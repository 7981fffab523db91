"""Differences between two states of a database, table by table: they show when data was lost. Both are read-only."""

from dataclasses import dataclass
from pathlib import Path

import apsw

from sqlitevault.database.content import read_tables
from sqlitevault.database.pairing import TablePair, attached, columns_of, count, pair_of
from sqlitevault.database.schema import quoted
from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.report import Report

_SHOWN_CHARACTERS = 200


class Row(Report):
    """A row that differs: `added`, `removed` or `changed`; `key` is its primary key as SQL literals."""

    kind: str
    key: str


class TableDifference(Report):
    """One table, from the first state to the second; None if the table or the figure does not exist.

    `note` says why rows could not be paired by a key: then a changed row is both removed and added, or only the totals
    are known.
    """

    table: str
    rows_before: int | None
    rows_after: int | None
    added: int | None = None
    removed: int | None = None
    changed: int | None = None
    rows: tuple[Row, ...] = ()
    note: str | None = None


class Difference(Report):
    """Every table that differs; tables with equal content are only counted."""

    before: str
    after: str
    tables: tuple[TableDifference, ...]
    equal_tables: int


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of a table by primary key: only in the copy, only in the live database, in both but different, the same."""

    deleted_rows: int
    newer_rows: int
    different_rows: int
    same_rows: int


def difference(before: Path, after: Path, *, names: tuple[str, str], show_rows: int = 0) -> Difference:
    """Compare two private copies; with `show_rows`, name up to that many differing rows per table and kind.

    Raises:
        SourceCorrupt, SourceUnsupported: one of them cannot be read.
    """
    then = {table.name: table for table in read_tables(before)}
    now = {table.name: table for table in read_tables(after)}
    every = list(dict.fromkeys([*then, *now]))
    equal = {name for name in then.keys() & now.keys() if then[name].digest == now[name].digest}
    rows_before, rows_after = ({name: table.rows for name, table in state.items()} for state in (then, now))
    differing = (
        TableDifference(table=name, rows_before=rows_before.get(name), rows_after=rows_after.get(name))
        for name in every
        if name not in equal
    )
    return Difference(
        before=names[0],
        after=names[1],
        tables=tuple(_table(before, after, totals, show_rows) for totals in differing),
        equal_tables=len(equal),
    )


def compare_table(live: Path, copy: Path, table: str) -> RowCounts:
    """Count how a table differs between the live database and a restored copy.

    Raises:
        ConfigError: the table is missing in one of them, has other columns, or no primary key that names single rows.
        SourceBusy: the live database is locked.
    """
    with attached(live, copy, read_only=True) as connection:
        return _counts(connection, pair_of(connection, table))


def _counts(connection: apsw.Connection, pair: TablePair) -> RowCounts:
    removed, added, shared, different = (
        count(connection, rows) for rows in (pair.removed, pair.added, pair.shared, pair.changed)
    )
    return RowCounts(removed, added, different, shared - different)


def rows_apart(live: Path, copy: Path, table: str) -> tuple[int, int]:
    """Count the rows that only the copy has and those that only the live database has, for tables without a key.

    Whole rows are compared, by the columns that both have: a changed row is in both figures. Equal rows are counted:
    if three become two, one is gone.

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
        sums = ", ".join(f"coalesce(sum(max({surplus}, 0)), 0)" for surplus in ("-surplus", "surplus"))
        removed, added = connection.execute(f"SELECT {sums} FROM ({by_row})").get
    return removed, added


def _table(before: Path, after: Path, totals: TableDifference, show_rows: int) -> TableDifference:
    if totals.rows_before is None or totals.rows_after is None:
        note = "the table is new" if totals.rows_before is None else "the table is gone"
        only = {"added": totals.rows_after or 0, "removed": totals.rows_before or 0, "changed": 0, "note": note}
        return totals.model_copy(update=only)
    try:
        return totals.model_copy(update=_by_key(before, after, totals.table, show_rows))
    except ConfigError as error:
        return _as_wholes(before, after, totals, str(error))
    except apsw.SQLError as error:  # such as another text encoding, or a collation that only the application has
        return totals.model_copy(update={"note": f"SQLite cannot compare the rows: {error}"})


def _by_key(before: Path, after: Path, table: str, show_rows: int) -> dict[str, object]:
    with attached(after, before, read_only=True) as connection:
        pair = pair_of(connection, table)
        found = _counts(connection, pair)
        rows = _rows(connection, pair, show_rows) if show_rows else ()
    return {"added": found.newer_rows, "removed": found.deleted_rows, "changed": found.different_rows, "rows": rows}


def _rows(connection: apsw.Connection, pair: TablePair, limit: int) -> tuple[Row, ...]:
    sources = {"removed": ("copy", pair.removed), "added": ("live", pair.added), "changed": ("live", pair.changed)}
    encoding = str(connection.pragma("encoding"))
    rows = []
    for kind, (side, source) in sources.items():
        text = " || ', ' || ".join(f"quote({side}.{quoted(key)})" for key in pair.keys)
        for (value,) in connection.execute(f"SELECT CAST({text} AS BLOB) {source} LIMIT ?", (limit,)):
            key = bytes(value).decode(encoding, "backslashreplace")
            rows.append(Row(kind=kind, key=key if len(key) <= _SHOWN_CHARACTERS else key[:_SHOWN_CHARACTERS] + "…"))
    return tuple(rows)


def _as_wholes(before: Path, after: Path, totals: TableDifference, why: str) -> TableDifference:
    try:
        removed, added = rows_apart(after, before, totals.table)
    except (ConfigError, apsw.SQLError) as error:
        return totals.model_copy(update={"note": f"{why}; {error}"})
    note = f"{why}: a changed row is both removed and added"
    return totals.model_copy(update={"added": added, "removed": removed, "note": note})
