"""`sqlitevault doctor`."""

import click
from rich.markup import escape
from rich.table import Table

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import INTEGRITY, NOT_FOUND, epilog, reporting_errors
from sqlitevault.cli.output import print_json, progress, stderr, stdout
from sqlitevault.doctor.examination import DoctorRequest, examine
from sqlitevault.doctor.report import DoctorReport, Level
from sqlitevault.ground.errors import SourceUnsupported

_LONGEST_HOLD = 600
_STYLES = {Level.OK: "[green]ok[/]", Level.WARNING: "[yellow]warning[/]", Level.PROBLEM: "[bold red]PROBLEM[/]"}


@click.command(epilog=epilog(NOT_FOUND, INTEGRITY))
@click.option(
    "--hold",
    "seconds",
    type=click.FloatRange(0, _LONGEST_HOLD),
    default=0.0,
    metavar="SECONDS",
    help="Hold a lock so long that a doctor on another host must see; it holds up nobody.",
)
@options.as_json
@reporting_errors
def doctor(*, seconds: float, as_json: bool) -> None:
    """Examine the database at DATABASE_PATH and its file system from this host, without writing anything there.

    Tells whether snapshots can be trusted, fit, and hold up nobody. Run it once where backups will run, and, with
    --hold 60, meanwhile on the application's host. Any problem ends with 12.
    """
    request = DoctorRequest.of(options.settings_to_restore(), hold_seconds=seconds)
    if seconds and not as_json:
        stderr().print(f"holding a lock for {seconds:g} s: run `sqlitevault doctor` on the other host now")
    with progress(quiet=as_json) as watcher:
        report = examine(request, watcher)
    if as_json:
        print_json(report.to_dict())
    else:
        _show(report)
    if report.problems:
        raise SourceUnsupported(
            f"{len(report.problems)} of {len(report.findings)} findings are problems: "
            + ", ".join(finding.name for finding in report.problems),
            hint=report.problems[0].hint,
        )


def _show(report: DoctorReport) -> None:
    table = Table(box=None, pad_edge=False, show_header=False, title=escape(report.source), title_justify="left")
    for finding in report.findings:
        table.add_row(_STYLES[finding.level], finding.name, escape(finding.detail))
        if finding.hint:
            table.add_row("", "", f"[dim]{escape(finding.hint)}[/]")
    stdout().print(table)
