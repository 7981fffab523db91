"""`sqlitevault diff`."""

from collections.abc import Iterator

import click
from rich.console import RenderableType
from rich.markup import escape

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import BUSY, INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE
from sqlitevault.cli.output import Output, count, table
from sqlitevault.database.difference import Difference, difference
from sqlitevault.ground.quantities import counted
from sqlitevault.restore.retrieval import private_copy


@options.command(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, NO_ROOM)
@click.argument("before", metavar="A")
@click.argument("after", metavar="[B]", default=options.LIVE)
@click.option("--rows", is_flag=True, help="List the rows, by primary key.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Rows to list per kind and table.")
@options.from_vault
def diff(out: Output, *, before: str, after: str, rows: bool, limit: int, location: str | None) -> None:
    """Show the rows added, removed and changed from A to B.

    A and B are each a backup id, `latest`, a path, an s3:// URI, or `live` for the live database; B is `live` unless
    given. Compare one backup with the next to find when rows were lost. Nothing is written.

    Rows are matched by primary key. In a table without one, with several rows of the same key, or with other columns,
    whole rows are compared by the columns in common: a changed row counts as removed and as added.
    """
    site = options.site_to_restore(vault=location)
    first, second = (options.live_or_backup(words, site) for words in (before, after))
    with (
        out.progress() as watcher,
        private_copy(site, first, watcher) as (name, then),
        private_copy(site, second, watcher) as (other, now),
    ):
        found = difference(then, now, names=(name, other), show_rows=limit if rows else 0)
    out.give(found.to_dict(), _shown(found))


def _shown(found: Difference) -> Iterator[RenderableType]:
    yield f"from [bold]{escape(found.before)}[/] to [bold]{escape(found.after)}[/]"
    if found.tables:
        shown = table("table", figures=("rows before", "rows after", "added", "removed", "changed"))
        shown.add_column("", overflow="fold")
        for each in found.tables:
            figures = (each.rows_before, each.rows_after, each.added, each.removed, each.changed)
            shown.add_row(escape(each.table), *map(count, figures), escape(each.note or ""))
        yield shown
    for each in found.tables:
        for row in each.rows:
            yield f"  {escape(each.table)} {row.kind:<7} {escape(row.key)}"
    yield f"{counted(found.equal_tables, 'table')} with equal content"
