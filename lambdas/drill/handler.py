"""A committed backup, or the monthly schedule -> prove that it restores, and how fast."""

from typing import Any

from sqlitevault.catalog.catalog import Choice
from sqlitevault.catalog.selection import Selected, select
from sqlitevault.functions.events import DrillEvent, StoredEvent
from sqlitevault.functions.telemetry import emit_drill, failures, only_logged
from sqlitevault.ground.facts import Metric
from sqlitevault.overview import Overview
from sqlitevault.proof.drill import DrillRequest, drill, record
from sqlitevault.wiring import Wiring, now, wire


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Drill one backup, write report and page beside the vault's backups, and fail if it could not be proven."""
    wired = wire()
    settings = wired.settings
    database = settings.database_path.stem
    with failures(Metric.DRILL_FAILED, database):
        selected = _selected(event, wired)
        if selected.manifest is not None:
            database = selected.manifest.source.name
        report = drill(DrillRequest.of(selected, now(), settings))
        record(report, wired.vault, settings.replica)
    emit_drill(report, database)
    if wired.replica is not None:  # the recovery region has a copy of the page that is made here
        with only_logged():
            Overview(wired, now()).publish()
    report.require_passed()
    report.require_answers()
    return report.to_dict()


def _selected(event: dict[str, Any], wired: Wiring) -> Selected:
    if "detail-type" not in event:
        order = DrillEvent.parse(event)
        return select(wired.vault, Choice.of(order.backup, database=wired.settings.database_path.stem))
    return select(wired.vault, Choice(backup_id=StoredEvent.parse(event).backup_id))
