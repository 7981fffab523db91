"""Monitors ages, replication, schedules and protection, and writes metrics, a report and the page."""

from typing import Any

from sqlitevault.functions.events import MonitorEvent
from sqlitevault.functions.telemetry import emit_monitor, failures, log_report, logged, only_logged
from sqlitevault.ground.facts import MONITOR_REPORT, Metric
from sqlitevault.site import site_of
from sqlitevault.watch.monitor import monitor
from sqlitevault.watch.page import publish_page


@logged
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Measure once; problems are in the metrics and the report, and are not errors of this function."""
    MonitorEvent.parse(event)
    site = site_of()
    database = site.database_name
    with failures(Metric.MONITOR_FAILED, database):
        report = monitor(site)
        site.vault.replace(MONITOR_REPORT, report.to_json())
    emit_monitor(report)
    with only_logged():
        publish_page(site)
    return log_report(report)
