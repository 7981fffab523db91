"""Drills a backup: when it is committed, on the monthly schedule, or on an operator's event."""

from typing import Any

from sqlitevault.catalog.selection import Choice, Selected, select
from sqlitevault.functions.events import DrillEvent, StoredEvent
from sqlitevault.functions.telemetry import emit_drill, failures, log_report, logged, only_logged
from sqlitevault.ground.facts import Metric
from sqlitevault.proof.drill import drill, record
from sqlitevault.site import Site, site_of
from sqlitevault.watch.page import publish_page


@logged
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Drill one backup, write report and page into the vault, and fail if the backup could not be proven."""
    site = site_of()
    database = site.database_name
    with failures(Metric.DRILL_FAILED, database):
        selected = _selected(event, site)
        if selected.manifest is not None:
            database = selected.manifest.source.name
        report = drill(site, selected)
        record(report, site.vault, site.settings.replica)
    emit_drill(report, database)
    answer = log_report(report)
    if site.replica is not None:  # the recovery region has a copy of the page that is made here
        with only_logged():
            publish_page(site)
    report.require_passed()
    report.require_answers()
    return answer


def _selected(event: dict[str, Any], site: Site) -> Selected:
    if "detail-type" not in event:
        order = DrillEvent.parse(event)
        return select(site.vault, Choice(database=site.database_name).named(order.backup))
    return select(site.vault, Choice(backup_id=StoredEvent.parse(event).backup_id))
