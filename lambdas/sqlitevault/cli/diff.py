"""`sqlitevault diff`."""

from contextlib import AbstractContextManager
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from sqlitevault.cli import options
from sqlitevault.cli.database_copy import copy_of
from sqlitevault.cli.exit_codes import BUSY, INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.output import print_json, progress, stdout
from sqlitevault.database.difference import Difference, TableDifference, difference

_LIVE = "live"


@click.command(epilog=epilog(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, NO_ROOM))
@click.argument("before", metavar="A")
@click.argument("after", metavar="B", default=_LIVE)
@click.option("--rows", is_flag=True, help="Name the rows, by primary key.")
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="Of each kind and table, name this many."
)
@options.from_vault
@options.as_json
@reporting_errors
def diff(*, before: str, after: str, rows: bool, limit: int, location: str | None, as_json: bool) -> None:
    """Show how the database changed from A to B: rows added, removed and changed, table by table.

    A and B are each a backup id, `latest`, a path, an s3:// URI, or `live` for the database as it is now; without B
    it is `live`. Helps to find when rows were lost: compare one backup after the other. Writes nothing.

    Rows are told apart by their primary key. In a table without one, with several rows of one key, or whose columns
    changed, whole rows are compared, by the columns that both have: a changed row is both removed and added.
    """
    settings = options.settings_to_restore(vault=location)
    with progress(quiet=as_json) as watcher:

        def copied(words: str) -> AbstractContextManager[tuple[str, Path]]:
            return copy_of(None if words == _LIVE else words, settings, watcher)

        with copied(before) as (first, then), copied(after) as (second, now):
            found = difference(then, now, names=(first, second), show_rows=limit if rows else 0)
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)


def _show(found: Difference) -> None:
    out = stdout()
    out.print(f"from [bold]{escape(found.before)}[/] to [bold]{escape(found.after)}[/]")
    if found.tables:
        out.print(_table(found))
    for table in found.tables:
        for row in table.rows:
            out.print(f"  {escape(table.table)} {row.kind:<7} {escape(row.key)}")
    out.print(f"{found.equal_tables} tables have equal content")


def _table(found: Difference) -> Table:
    shown = Table(box=None, pad_edge=False)
    shown.add_column("table")
    for heading in ("rows before", "rows after", "added", "removed", "changed"):
        shown.add_column(heading, justify="right")
    shown.add_column("", overflow="fold")
    for table in found.tables:
        shown.add_row(escape(table.table), *map(_count, _figures(table)), escape(table.note or ""))
    return shown


def _figures(table: TableDifference) -> tuple[int | None, ...]:
    return table.rows_before, table.rows_after, table.added, table.removed, table.changed


def _count(rows: int | None) -> str:
    return "-" if rows is None else f"{rows:,}"
