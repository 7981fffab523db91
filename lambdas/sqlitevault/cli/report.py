"""`sqlitevault report`."""

from pathlib import Path

import click
from rich.markup import escape

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import NO_ROOM, UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.output import print_json, stdout
from sqlitevault.cli.whole_file import write_whole
from sqlitevault.site import Site
from sqlitevault.watch.overview import Overview


@click.command(epilog=epilog(UNAVAILABLE, NO_ROOM))
@options.from_vault
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="report.html",
    show_default=True,
    help="Where to write the page, whole or not at all.",
)
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="How far to look back.")
@options.as_json
@reporting_errors
def report(*, location: str | None, output: Path, days: int, as_json: bool) -> None:
    """Write a page to look at: ages against the RPO, recovery times against the RTO, sizes, rows, readiness.

    One file that needs no network, for a phone as for a large screen, bright or dark. It is made from what backups,
    drills and the monitor have left in the vault, where drills and the monitor leave the same page as
    reports/report.html. With --json the figures are printed and no page is written.
    """
    overview = Overview(Site.of(options.settings(vault=location)), days=days)
    if as_json:
        print_json(overview.history().to_dict() | {"readiness": overview.readiness().to_dict()})
        return
    write_whole(output, overview.page())
    stdout().print(f"wrote [bold]{escape(str(output))}[/]")
