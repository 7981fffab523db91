"""How two states of a database differ, table by table: helps to find when data was lost."""

from pathlib import Path

import apsw

from sqlitevault.catalog.manifest import Table
from sqlitevault.catalog.report import Report
from sqlitevault.database import read_tables
from sqlitevault.database.merge import compare_table, differing_rows, rows_apart
from sqlitevault.ground.errors import ConfigError

_SHOWN_CHARACTERS = 200


class Row(Report):
    """A row that differs: `added`, `removed` or `changed`; `key` is its primary key as SQL literals."""

    kind: str
    key: str


class TableDifference(Report):
    """One table, from the first state to the second; `None` where the table, or the figure, is not there.

    `note` says why rows could not be told apart by a key: then one that was changed is both removed and added, or only
    the totals are known.
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


def difference(before: Path, after: Path, *, names: tuple[str, str], show_rows: int = 0) -> Difference:
    """Compare two private copies; with `show_rows`, name up to that many differing rows a table and kind.

    Raises:
        SourceCorrupt, SourceUnsupported: one of them cannot be read.
    """
    then = {table.name: table for table in read_tables(before)}
    now = {table.name: table for table in read_tables(after)}
    every = list(dict.fromkeys([*then, *now]))
    differing = [name for name in every if not _equal(then.get(name), now.get(name))]
    return Difference(
        before=names[0],
        after=names[1],
        tables=tuple(_table(before, after, then.get(name), now.get(name), show_rows) for name in differing),
        equal_tables=len(every) - len(differing),
    )


def _equal(before: Table | None, after: Table | None) -> bool:
    return before is not None and after is not None and before.digest == after.digest


def _table(before: Path, after: Path, then: Table | None, now: Table | None, show_rows: int) -> TableDifference:
    if then is None or now is None:
        return _only_in_one(then, now)
    totals = TableDifference(table=then.name, rows_before=then.rows, rows_after=now.rows)
    try:
        return totals.model_copy(update=_by_key(before, after, then.name, show_rows))
    except ConfigError as error:
        return _as_wholes(before, after, totals, str(error))
    except apsw.SQLError as error:  # such as another text encoding, or a collation that only the application has
        return totals.model_copy(update={"note": f"SQLite cannot compare the rows: {error}"})


def _by_key(before: Path, after: Path, table: str, show_rows: int) -> dict[str, object]:
    found = compare_table(after, before, table)
    rows = differing_rows(after, before, table, limit=show_rows) if show_rows else ()
    named = tuple(Row(kind=row.kind, key=_short(row.key)) for row in rows)
    return {"added": found.only_live, "removed": found.only_in_copy, "changed": found.different, "rows": named}


def _as_wholes(before: Path, after: Path, totals: TableDifference, why: str) -> TableDifference:
    """Compare rows without a key to pair them by, over the columns that both states have."""
    try:
        found = rows_apart(after, before, totals.table)
    except (ConfigError, apsw.SQLError) as error:
        return totals.model_copy(update={"note": f"{why}; {error}"})
    note = f"{why}: a changed row is both removed and added"
    return totals.model_copy(update={"added": found.only_live, "removed": found.only_in_copy, "note": note})


def _only_in_one(then: Table | None, now: Table | None) -> TableDifference:
    gone, new = (then.rows if then else 0), (now.rows if now else 0)
    return TableDifference(
        table=(then or now or Table(name="", rows=0)).name,
        rows_before=then.rows if then else None,
        rows_after=now.rows if now else None,
        added=new,
        removed=gone,
        changed=0,
        note="the table is new" if now else "the table is gone",
    )


def _short(key: str) -> str:
    return key if len(key) <= _SHOWN_CHARACTERS else key[:_SHOWN_CHARACTERS] + "…"
