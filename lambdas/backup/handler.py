"""Schedule -> back up the database and configuration on the file system; or examine it, on an operator's order."""

from typing import Any

from sqlitevault.backup.backup import BackupRequest, back_up
from sqlitevault.doctor.examination import examine
from sqlitevault.functions.events import BackupEvent
from sqlitevault.functions.telemetry import emit_backup, failures
from sqlitevault.functions.wiring import site_of
from sqlitevault.ground.facts import Metric
from sqlitevault.snapshot import SnapshotOptions
from sqlitevault.watch.changes import LossLimits


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Take one backup; the same scheduled time again finds it there and takes none."""
    site = site_of(context.function_name)
    settings = site.settings
    with failures(Metric.BACKUP_FAILED, site.database_name):
        order = BackupEvent.parse(event)
        if order.action == "doctor":
            left = context.get_remaining_time_in_millis() / 1000
            return examine(settings, hold_seconds=order.hold_seconds, seconds=left).to_dict()
        request = BackupRequest(
            database=settings.database_path,
            config_root=settings.config_root,
            created_at=order.scheduled_time or site.now(),
            host=site.host,
            tier=order.tier,
            scope=order.scope,
            folder=f"{order.tier}/{site.database_name}/",
            scratch=settings.scratch,
            snapshot=SnapshotOptions.of(settings),
            losses=LossLimits.of(settings),
        )
        report = back_up(request, site.vault)
    emit_backup(report)
    return report.to_dict()
