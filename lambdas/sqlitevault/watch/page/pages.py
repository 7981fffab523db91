"""The readiness page, and the report page with charts, readiness and the last backups."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sqlitevault.ground.facts import REPLICATION_PROMISE
from sqlitevault.ground.quantities import duration, format_time, size
from sqlitevault.watch.history import BackupPoint, History
from sqlitevault.watch.page.charts import Chart, Points
from sqlitevault.watch.readiness import ReadinessReport

_LAST = 10


def readiness_page(report: ReadinessReport) -> str:
    """Return the checklist as a page."""
    return _render(
        title=f"Readiness of {report.database}",
        subtitle=f"{report.vault} at {format_time(report.at)}",
        readiness=report,
        history=None,
    )


def report_page(past: History, readiness: ReadinessReport) -> str:
    """Return the page with everything."""
    return _render(
        title=f"Backups of {past.database}",
        subtitle=f"{past.vault} from {format_time(past.since)} to {format_time(past.at)}",
        readiness=readiness,
        history=past,
        charts=_charts(past),
        newest=list(reversed(past.backups))[:_LAST],
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"seconds": _seconds, "size": size}
    return environment


def _render(**values: object) -> str:
    return _environment().get_template("page.html.j2").render(values)


def _charts(past: History) -> tuple[Chart, ...]:
    def each(value: Callable[[BackupPoint], float]) -> Points:
        return [(point.created_at, value(point)) for point in past.backups]

    ages = [(gap.at, gap.seconds) for gap in past.gaps]
    lags = [(lag.at, lag.seconds) for lag in past.replica_lag]
    sizes = {"database": each(lambda point: point.database_bytes), "archive": each(lambda point: point.archive_bytes)}
    recovery, stalls = {"recovery": _recovery_times(past)}, {"wait": each(lambda p: p.writer_stall_seconds)}
    rpo, rto = ("RPO", past.rpo_seconds), ("RTO", past.rto_seconds)
    promise = ("limit of S3", REPLICATION_PROMISE.total_seconds())
    return (
        Chart("age", "Age of the newest proven backup", {"age": ages}, _span, rpo, of_time=True),
        Chart("recovery", "Recovery time in drills", recovery, _seconds, rto, logarithmic=True),
        Chart("size", "Sizes", sizes, lambda count: size(round(count))),
        Chart("rows", "Rows in all tables", {"rows": each(lambda point: point.rows)}, "{:,.0f}".format),
        Chart("stall", "Longest wait of writers", stalls, _seconds),
        Chart("lag", "Replica lag", {"lag": lags}, _span, promise, of_time=True),
    )


def _recovery_times(past: History) -> Points:
    """Return the recovery times of drills that passed; a logarithmic axis has no 0."""
    drilled = ((point.drilled_at, point.recovery_seconds) for point in past.backups if point.proven)
    return [(at, max(seconds, 0.01)) for at, seconds in sorted(drilled) if at and seconds is not None]


def _seconds(seconds: float) -> str:
    return _span(seconds) if seconds >= 60 else f"{seconds:.3g} s"  # noqa: PLR2004


def _span(seconds: float) -> str:
    """Return a duration without zero parts: `1 h` instead of `1 h 0 min`."""
    return duration(seconds).removesuffix(" 0 min").removesuffix(" 0 h")
