"""A committed backup, or the monthly schedule -> prove that it restores, and how fast."""

from typing import Any

from sqlitevault.errors import DrillFailed
from sqlitevault.events import DrillEvent, StoredEvent
from sqlitevault.manifest import ARCHIVE_SUFFIX, MANIFEST_SUFFIX
from sqlitevault.services.catalog import Choice
from sqlitevault.services.drill import DrillRequest, drill, record
from sqlitevault.services.selection import Selected, select
from sqlitevault.telemetry import emit_drill, failures
from sqlitevault.wiring import Wiring, now, wire


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Drill one backup, write the report beside the vault's backups, and fail if it could not be proven."""
    wired = wire()
    settings = wired.settings
    database = settings.database_path.stem
    with failures("DrillFailed", database):
        selected = _selected(event, wired)
        if selected.manifest is not None:
            database = selected.manifest.source.name
        report = drill(DrillRequest.of(selected, now(), settings))
        record(report, wired.vault, settings.replica)
    emit_drill(report, database)
    if not report.passed:
        raise DrillFailed(
            f"{report.backup_id} could not be proven: {'; '.join(report.failures)}",
            hint="Restore proposes the backup before it. Follow docs/runbooks/drill-failed.md.",
        )
    report.require_answers()
    return report.to_dict()


def _selected(event: dict[str, Any], wired: Wiring) -> Selected:
    if "detail-type" not in event:
        order = DrillEvent.parse(event)
        return select(wired.vault, Choice.of(order.backup, database=wired.settings.database_path.stem))
    name = StoredEvent.parse(event).key.rsplit("/", 1)[-1].removesuffix(ARCHIVE_SUFFIX + MANIFEST_SUFFIX)
    return select(wired.vault, Choice(backup_id=name))
