"""How the readiness checklist looks: on a terminal, as Markdown, as HTML."""

from html import escape as in_html

from rich.markup import escape
from rich.table import Table

from sqlitevault.cli.output import stdout
from sqlitevault.cli.page import cell, page, section
from sqlitevault.manifest import format_time
from sqlitevault.quantities import duration
from sqlitevault.services.evidence import Line, Status
from sqlitevault.services.readiness import ReadinessReport

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
        table.add_row(_ON_TERMINAL[line.status], line.name, escape(line.proof), _age(line))
    stdout().print(table)
    stdout().print("[bold green]ready[/]" if report.ready else f"[bold red]NOT READY[/]: {len(report.failed)} failed")


def as_markdown(report: ReadinessReport) -> str:
    """Return the checklist for a wiki or a ticket."""
    rows = [f"| {line.status} | {line.name} | {_in_cell(line.proof)} | {_age(line)} |" for line in report.lines]
    heading = [
        f"# Readiness of {report.database}: {_verdict(report)}",
        "",
        f"{report.vault} at {format_time(report.at)}",
    ]
    return "\n".join([*heading, "", "| status | check | proof | age |", "| --- | --- | --- | --- |", *rows, ""])


def as_page(report: ReadinessReport) -> str:
    """Return the checklist as a page of its own."""
    title = f"Readiness of {report.database}"
    place = f"{in_html(report.vault)} at {format_time(report.at)}"
    return page(title, f'<h1>{in_html(title)}</h1>\n<p class="quiet">{place}</p>\n{readiness_section(report)}')


def readiness_section(report: ReadinessReport) -> str:
    """Return the checklist as a part of a page."""
    rows = "\n".join(map(_row, report.lines))
    kind = "ok" if report.ready else "failed"
    table = (
        '<table class="stacked"><thead><tr><th>status</th><th>check</th><th>proof</th><th>age</th></tr></thead>'
        f"<tbody>\n{rows}\n</tbody></table>"
    )
    return section("Readiness", f'<p class="verdict {kind}">{_verdict(report)}</p>\n{table}')


def _row(line: Line) -> str:
    cells = (
        ("status", f"short {line.status.replace(' ', '-')}", line.status),
        ("check", "", line.name),
        ("proof", "long", line.proof),
        ("age", "short", _age(line)),
    )
    return f"<tr>{''.join(cell(*each) for each in cells)}</tr>"


def _verdict(report: ReadinessReport) -> str:
    return "ready" if report.ready else f"NOT READY, {len(report.failed)} of {len(report.lines)} failed"


def _age(line: Line) -> str:
    return "" if line.age_seconds is None else duration(line.age_seconds)


def _in_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
