"""`sqlitevault doctor`."""

import click
from rich.markup import escape
from rich.table import Table

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import INTEGRITY, NOT_FOUND
from sqlitevault.cli.output import Output, stderr, table
from sqlitevault.doctor.examination import examine
from sqlitevault.doctor.report import DoctorReport, Level
from sqlitevault.ground.errors import SourceUnsupported

_STYLES = {Level.OK: "[green]ok[/]", Level.WARNING: "[yellow]warning[/]", Level.PROBLEM: "[bold red]PROBLEM[/]"}


@options.command(NOT_FOUND, INTEGRITY)
@click.option(
    "--hold",
    "seconds",
    type=click.FloatRange(0, 600),
    default=0.0,
    metavar="SECONDS",
    help="Hold a harmless lock for SECONDS so that `doctor` on another host can detect it.",
)
def doctor(out: Output, *, seconds: float) -> None:
    """Check the live database and its file system from this host.

    Reports whether snapshots of DATABASE_PATH can be trusted, fit into scratch, and delay no writer. Nothing is written
    beside the database. Run it once where backups will run and, at the same time, with --hold 60 on the application's
    host. Exits with 12 if there is a problem.
    """
    settings = options.site_to_restore().settings
    if seconds and not out.as_json:
        stderr().print(f"holding a lock for {seconds:g} s: run `sqlitevault doctor` on the other host now")
    with out.progress() as watcher:
        report = examine(settings, watcher, hold_seconds=seconds)
    out.give(report.to_dict(), [_findings(report)])
    if report.problems:
        raise SourceUnsupported(
            f"{len(report.problems)} of {len(report.findings)} findings are problems: "
            + ", ".join(finding.name for finding in report.problems),
            hint=report.problems[0].hint,
        )


def _findings(report: DoctorReport) -> Table:
    shown = table(title=report.source)
    for finding in report.findings:
        shown.add_row(_STYLES[finding.level], finding.name, escape(finding.detail))
        if finding.hint:
            shown.add_row("", "", f"[dim]{escape(finding.hint)}[/]")
    return shown
