"""`sqlitevault audit`."""

from collections.abc import Mapping, Sequence

import click
from rich.markup import escape
from rich.table import Table

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import BUSY, INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE
from sqlitevault.cli.output import Output, table
from sqlitevault.database.application_tables import last_events
from sqlitevault.restore.retrieval import private_copy


@options.command(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, NO_ROOM)
@click.option(
    "--type", "kind", default="", metavar="TEXT", help="Only events whose type starts with TEXT, such as `auth`."
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Number of events, newest first.")
@options.of_backup
@options.from_vault
def audit(out: Output, *, kind: str, limit: int, backup: str, location: str | None) -> None:
    """Show the last events that the application logged.

    After a breach, run `sqlitevault audit --type auth`. With --backup ID it shows the events that were logged when the
    backup was taken, including any that were deleted since.
    """
    site = options.site_to_restore(vault=location)
    events, selected = site.profile.require_events(), options.live_or_backup(backup, site)
    with out.progress() as watcher, private_copy(site, selected, watcher) as (name, copy):
        found = last_events(copy, events, kind=kind, limit=limit)
    empty = "" if found else f"no such events in {name}"
    out.give({"of": name, "events": found}, [_events(found)], empty=empty)


def _events(found: Sequence[Mapping[str, str]]) -> Table:
    events = table("time", "type", "source", "data")
    for event in found:
        events.add_row(*map(escape, event.values()))
    return events
