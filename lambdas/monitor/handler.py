"""Clock -> look at ages, replication, schedules and protection; metrics, a report and a page come out."""

from typing import Any

from sqlitevault.functions.events import MonitorEvent
from sqlitevault.functions.telemetry import emit_monitor, failures, only_logged
from sqlitevault.ground.facts import Metric
from sqlitevault.overview import Overview
from sqlitevault.watch.changes import LossLimits
from sqlitevault.watch.monitor import monitor, record
from sqlitevault.wiring import now, wire


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Look once; what is wrong shows in the metrics and the report, not as an error of this function."""
    MonitorEvent.parse(event)
    wired = wire()
    database = wired.settings.database_path.stem
    with failures(Metric.MONITOR_FAILED, database):
        report = monitor(
            wired.vault,
            wired.replica,
            database=database,
            rpo_seconds=wired.settings.rpo_seconds,
            expected=wired.expected_protection,
            now=now(),
            losses=LossLimits.of(wired.settings),
        )
        record(report, wired.vault)
    emit_monitor(report)
    with only_logged():
        Overview(wired, report.at).publish()
    return report.to_dict()
