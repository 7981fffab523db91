"""Backs up the database and configuration on the file system, or examines them: a schedule's or operator's event."""

from typing import Any

from sqlitevault.backup.backup import Order, back_up
from sqlitevault.doctor.examination import examine
from sqlitevault.functions.events import BackupEvent
from sqlitevault.functions.telemetry import emit_backup, failures, log_report, logged
from sqlitevault.ground.facts import Metric
from sqlitevault.site import site_of


@logged
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Take one backup; a second event for the same scheduled time finds it and takes none."""
    site = site_of(context.function_name)
    with failures(Metric.BACKUP_FAILED, site.database_name):
        order = BackupEvent.parse(event)
        if order.action == "doctor":
            left = context.get_remaining_time_in_millis() / 1000
            return log_report(examine(site.settings, seconds=left, hold_seconds=order.hold_seconds))
        folder = f"{order.tier}/{site.database_name}/"
        report = back_up(site, Order(order.scope, order.tier, order.scheduled_time, folder))
    emit_backup(report)
    return log_report(report)
