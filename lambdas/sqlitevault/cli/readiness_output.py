"""How the readiness checklist looks on a terminal."""

from rich.markup import escape
from rich.table import Table

from sqlitevault.cli.output import stdout
from sqlitevault.watch.evidence import Status
from sqlitevault.watch.page.readiness import age
from sqlitevault.watch.readiness import ReadinessReport

_ON_TERMINAL = {
    Status.OK: "[green]✓[/]",
    Status.FAILED: "[bold red]✗[/]",
    Status.NOT_APPLICABLE: "[dim]-[/]",
}
_HEADINGS = ("", "check", "proof", "age")


def show_readiness(report: ReadinessReport) -> None:
    """Print each line with its proof and its age, then the verdict."""
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    for line in report.lines:
        table.add_row(_ON_TERMINAL[line.status], line.name, escape(line.proof), age(line))
    stdout().print(table)
    stdout().print("[bold green]ready[/]" if report.ready else f"[bold red]NOT READY[/]: {len(report.failed)} failed")
