"""Clock -> look at ages, replication, schedules and protection; metrics, a report and a page come out."""

from typing import Any

from sqlitevault.functions.events import MonitorEvent
from sqlitevault.functions.telemetry import emit_monitor, failures, only_logged
from sqlitevault.functions.wiring import site_of
from sqlitevault.ground.facts import Metric
from sqlitevault.watch.changes import LossLimits
from sqlitevault.watch.monitor import monitor, record
from sqlitevault.watch.overview import Overview


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Look once; what is wrong shows in the metrics and the report, not as an error of this function."""
    MonitorEvent.parse(event)
    site = site_of(context.function_name)
    database = site.database_name
    with failures(Metric.MONITOR_FAILED, database):
        report = monitor(
            site.vault,
            site.replica,
            database=database,
            rpo_seconds=site.settings.rpo_seconds,
            expected=site.expected_protection,
            now=site.now(),
            losses=LossLimits.of(site.settings),
        )
        record(report, site.vault)
    emit_monitor(report)
    with only_logged():
        Overview(site).publish()
    return report.to_dict()
