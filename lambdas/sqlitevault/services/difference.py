"""How two states of a database differ, table by table: helps to find when data was lost."""

from pathlib import Path

from sqlitevault.database import read_tables
from sqlitevault.errors import ConfigError
from sqlitevault.manifest import Table
from sqlitevault.services.report import Report
from sqlitevault.table_merge import RowDifference, compare_table, differing_rows


class TableDifferences(Report):
    """One table, from the older state to the newer. `None`: it has no primary key, so only the totals are known."""

    table: str
    rows_before: int | None
    rows_after: int | None
    added: int | None
    removed: int | None
    changed: int | None
    rows: tuple[str, ...] = ()


class Difference(Report):
    """Every table that differs; tables with equal content are only counted."""

    before: str
    after: str
    tables: tuple[TableDifferences, ...]
    equal_tables: int


def difference(before: Path, after: Path, *, names: tuple[str, str], show_rows: int = 0) -> Difference:
    """Compare two private copies; with `show_rows`, name up to that many differing rows a table by their keys.

    Raises:
        SourceCorrupt, SourceUnsupported: one of them cannot be read.
    """
    then = {table.name: table for table in read_tables(before)}
    now = {table.name: table for table in read_tables(after)}
    differing = [name for name in dict.fromkeys([*then, *now]) if not _equal(then.get(name), now.get(name))]
    return Difference(
        before=names[0],
        after=names[1],
        tables=tuple(_differences(before, after, name, then.get(name), now.get(name), show_rows) for name in differing),
        equal_tables=len(then.keys() | now.keys()) - len(differing),
    )


def _equal(before: Table | None, after: Table | None) -> bool:
    return before is not None and after is not None and before.digest == after.digest


def _differences(  # noqa: PLR0917
    before: Path, after: Path, name: str, then: Table | None, now: Table | None, show_rows: int
) -> TableDifferences:
    totals = {"table": name, "rows_before": then and then.rows, "rows_after": now and now.rows}
    if then is None or now is None:
        return TableDifferences(**totals, added=now.rows if now else 0, removed=then.rows if then else 0, changed=0)
    try:
        found = compare_table(after, before, name)
        rows = differing_rows(after, before, name, limit=show_rows) if show_rows else ()
    except ConfigError:
        return TableDifferences(**totals, added=None, removed=None, changed=None)
    return TableDifferences(
        **totals,
        added=found.only_live,
        removed=found.only_in_copy,
        changed=found.different,
        rows=tuple(map(_described, rows)),
    )


def _described(row: RowDifference) -> str:
    return f"{row.kind} {row.key}"
