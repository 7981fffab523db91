"""The page to look at: how old, how fast, how large, how far away, how ready; over time."""

from html import escape

from sqlitevault.catalog.manifest import format_time
from sqlitevault.ground.facts import REPLICATION_PROMISE
from sqlitevault.ground.quantities import duration, size
from sqlitevault.watch.history import BackupPoint, History
from sqlitevault.watch.page.charts import Chart, chart_section
from sqlitevault.watch.page.html import cell, page, section
from sqlitevault.watch.page.readiness import readiness_section
from sqlitevault.watch.readiness import ReadinessReport

_LAST = 10


def report_page(past: History, readiness: ReadinessReport) -> str:
    """Return the whole page as HTML that needs nothing else."""
    title = f"Backups of {past.database}"
    place = f"{escape(past.vault)} from {format_time(past.since)} to {format_time(past.at)}"
    charts = "\n".join(chart_section(chart, name=name) for name, chart in _charts(past).items())
    parts = [
        f'<header><h1>{escape(title)}</h1>\n<p class="quiet">{place}</p></header>',
        readiness_section(readiness),
        f'<div class="charts">\n{charts}\n</div>',
        _drills(past),
    ]
    return page(title, "\n".join(parts))


def _charts(past: History) -> dict[str, Chart]:
    backups = past.backups
    drilled = [(point.drilled_at, point.recovery_seconds) for point in backups if point.proven]
    return {
        "age": Chart(
            "Age of the newest proven backup",
            {"age": [(gap.at, gap.seconds) for gap in past.gaps]},
            _span,
            ("RPO", past.rpo_seconds),
            of_time=True,
        ),
        "recovery": Chart(
            "Recovery time, as drilled",
            {"recovery": [(at, max(seconds, 0.01)) for at, seconds in sorted(drilled) if at and seconds is not None]},
            _seconds,
            ("RTO", past.rto_seconds),
            logarithmic=True,
        ),
        "size": Chart(
            "Sizes",
            {
                "database": [(point.created_at, point.database_bytes) for point in backups],
                "archive": [(point.created_at, point.archive_bytes) for point in backups],
            },
            lambda count: size(round(count)),
        ),
        "rows": Chart(
            "Rows in all tables",
            {"rows": [(point.created_at, point.rows) for point in backups]},
            lambda count: f"{count:,.0f}",
        ),
        "stall": Chart(
            "How long writers may have waited",
            {"longest wait": [(point.created_at, point.writer_stall_seconds) for point in backups]},
            _seconds,
        ),
        "lag": Chart(
            "How far the replica is behind",
            {"lag": [(lag.at, lag.seconds) for lag in past.replica_lag]},
            _span,
            ("promised by S3", REPLICATION_PROMISE.total_seconds()),
            of_time=True,
        ),
    }


def _drills(past: History) -> str:
    newest = list(reversed(past.backups))[:_LAST]
    if not newest:
        return section("Last backups and their drills", '<p class="quiet">none yet</p>')
    rows = "\n".join(map(_row, newest))
    headings = "".join(f"<th>{heading}</th>" for heading in ("backup", "tier", "drill", "recovery", "database", "rows"))
    table = f'<table class="stacked"><thead><tr>{headings}</tr></thead><tbody>\n{rows}\n</tbody></table>'
    return section("Last backups and their drills", table)


def _row(point: BackupPoint) -> str:
    verdict, kind = ("passed", "ok") if point.proven else ("not held yet", "not-applicable")
    if point.failures:
        verdict, kind = "; ".join(point.failures), "failed"
    cells = (
        ("backup", "short", point.backup_id),
        ("tier", "short", point.tier),
        ("drill", f"long {kind}", verdict),
        ("recovery", "short", "" if point.recovery_seconds is None else _seconds(point.recovery_seconds)),
        ("database", "short", size(point.database_bytes)),
        ("rows", "short", f"{point.rows:,}"),
    )
    return f"<tr>{''.join(cell(*each) for each in cells)}</tr>"


def _seconds(seconds: float) -> str:
    return _span(seconds) if seconds >= 60 else f"{seconds:.3g} s"  # noqa: PLR2004


def _span(seconds: float) -> str:
    """Return a duration without the part that is nothing: `1 h` instead of `1 h 0 min`."""
    return duration(seconds).removesuffix(" 0 min").removesuffix(" 0 h")
