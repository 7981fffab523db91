"""`sqlitevault audit`."""

from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.markup import escape
from rich.table import Table

from sqlitevault.cli import options
from sqlitevault.cli.database_copy import copy_of
from sqlitevault.cli.exit_codes import BUSY, INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.output import print_json, progress, stderr, stdout
from sqlitevault.devops_hub.event_log import LoggedEvent, last_events


@click.command(epilog=epilog(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, NO_ROOM))
@click.option("--type", "kind", default="", metavar="TEXT", help="Only events whose type begins so, such as `auth`.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Show this many, newest first.")
@options.of_backup
@options.from_vault
@options.as_json
@reporting_errors
def audit(*, kind: str, limit: int, backup: str | None, location: str | None, as_json: bool) -> None:
    """Show the last events that the application logged, in the live database or in a backup.

    After a breach: `sqlitevault audit --type auth`; the same with --backup ID shows what was logged by then, also if
    somebody has deleted it since.
    """
    settings = options.settings_to_restore(vault=location)
    with progress(quiet=as_json) as watcher, copy_of(backup, settings, watcher) as (name, copy):
        found = last_events(copy, kind=kind, limit=limit)
    if as_json:
        print_json({"of": name, "events": [asdict(event) for event in found]})
    elif found:
        stdout().print(_table(found))
    else:
        stderr().print(f"no such events in {escape(name)}")


def _table(found: Sequence[LoggedEvent]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("time", "type", "source", "data"):
        table.add_column(heading, overflow="fold")
    for event in found:
        table.add_row(*map(escape, (event.timestamp, event.type, event.source, event.data)))
    return table
