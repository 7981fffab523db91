"""How drills and verifications look to people."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.cli.output import stdout
from sqlitevault.ground.quantities import duration


def show_drills(reports: Sequence[DrillReport]) -> None:
    """Print every check of every report, and the recovery time against what it may be."""
    for report in reports:
        table = Table(box=None, pad_edge=False, show_header=False, title=report.backup_id, title_justify="left")
        for check in report.checks:
            table.add_row("[green]✓[/]" if check.passed else "[bold red]✗[/]", escape(check.name), escape(check.detail))
        stdout().print(table)
        stdout().print(_verdict(report))


def _verdict(report: DrillReport) -> str:
    if not report.passed:
        return f"[bold red]NOT PROVEN[/]: {len(report.failures)} of {len(report.checks)} checks failed"
    within = report.recovery_seconds <= report.rto_seconds
    verdict = "[green]within[/]" if within else "[bold red]beyond[/]"
    return f"recovered in {report.recovery_seconds:.2f} s, {verdict} the RTO of {duration(report.rto_seconds)}"
