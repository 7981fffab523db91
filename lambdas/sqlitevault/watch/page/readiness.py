"""The readiness checklist as Markdown, as a page of its own, and as a part of another."""

from html import escape

from sqlitevault.catalog.manifest import format_time
from sqlitevault.ground.quantities import duration
from sqlitevault.watch.evidence import Line
from sqlitevault.watch.page.html import cell, page, section
from sqlitevault.watch.readiness import ReadinessReport


def readiness_markdown(report: ReadinessReport) -> str:
    """Return the checklist for a wiki or a ticket."""
    rows = [f"| {line.status} | {line.name} | {_in_cell(line.proof)} | {age(line)} |" for line in report.lines]
    heading = [
        f"# Readiness of {report.database}: {_verdict(report)}",
        "",
        f"{report.vault} at {format_time(report.at)}",
    ]
    return "\n".join([*heading, "", "| status | check | proof | age |", "| --- | --- | --- | --- |", *rows, ""])


def readiness_page(report: ReadinessReport) -> str:
    """Return the checklist as a page of its own."""
    title = f"Readiness of {report.database}"
    place = f"{escape(report.vault)} at {format_time(report.at)}"
    return page(title, f'<h1>{escape(title)}</h1>\n<p class="quiet">{place}</p>\n{readiness_section(report)}')


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
        ("age", "short", age(line)),
    )
    return f"<tr>{''.join(cell(*each) for each in cells)}</tr>"


def _verdict(report: ReadinessReport) -> str:
    return "ready" if report.ready else f"NOT READY, {len(report.failed)} of {len(report.lines)} failed"


def age(line: Line) -> str:
    """Return how old a line's evidence is; nothing where that has no meaning."""
    return "" if line.age_seconds is None else duration(line.age_seconds)


def _in_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
