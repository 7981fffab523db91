"""`sqlitevault report`."""

from pathlib import Path

import click
from rich.markup import escape

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import NO_ROOM, UNAVAILABLE
from sqlitevault.cli.output import Output
from sqlitevault.ground.files import write_whole
from sqlitevault.watch.history import history
from sqlitevault.watch.page import make_page
from sqlitevault.watch.readiness import readiness


@options.command(UNAVAILABLE, NO_ROOM)
@options.from_vault
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="report.html",
    show_default=True,
    help="Where to write the page.",
)
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="Days to show.")
def report(out: Output, *, location: str | None, output: Path, days: int) -> None:
    """Write a page with charts of backups, drills and readiness.

    The page shows ages against the RPO, recovery times against the RTO, sizes, rows and the readiness checklist. It is
    one file that loads nothing from the network. Its data are the reports that backups, drills and the monitor left in
    the vault; drills and the monitor write the same page there as reports/report.html. With --json the figures are
    printed and no page is written.
    """
    site = options.site(vault=location)
    if out.as_json:
        out.print_json(history(site, days).to_dict() | {"readiness": readiness(site).to_dict()})
    else:
        write_whole(output, make_page(site, days))
        out.show([f"wrote [bold]{escape(str(output))}[/]"])
