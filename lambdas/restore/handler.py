"""Plans, stages, promotes or undoes a restore on the file system, of the database or of single tables."""

from typing import Any

from sqlitevault.catalog.selection import LATEST, Choice, select
from sqlitevault.functions.events import RestoreEvent
from sqlitevault.functions.telemetry import failures, log_report, logged
from sqlitevault.ground.facts import Metric
from sqlitevault.ground.report import Report
from sqlitevault.restore.plan import plan
from sqlitevault.restore.promote import promote, undo
from sqlitevault.restore.retrieval import retrieved_database
from sqlitevault.restore.stage import stage
from sqlitevault.restore.tables import make_side_database, merge_staged, plan_tables
from sqlitevault.restore.target import Target
from sqlitevault.site import Site, site_of


@logged
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make the move that the event asks for and return its report."""
    site = site_of()
    with failures(Metric.RESTORE_FAILED, site.database_name):
        order = RestoreEvent.parse(event)
        finish = {"undo": _undo, "promote": _promote}.get(order.action, _plan_or_stage)
        return log_report(finish(order, site))


def _undo(order: RestoreEvent, site: Site) -> Report:
    return undo(site, force=order.force)


def _promote(order: RestoreEvent, site: Site) -> Report:
    target = Target.of(site)
    staged = target.newest(target.tables if order.table else target.staged) if order.backup == LATEST else order.backup
    if order.table:
        return merge_staged(site, staged, order.table, missing_only=order.missing_only)
    return promote(site, staged, force=order.force)


def _plan_or_stage(order: RestoreEvent, site: Site) -> Report:
    choice = Choice(at=order.at, before=order.before_incident, scope=order.scope, database=site.database_name)
    selected = select(site.vault, choice.named(order.backup))
    if order.table:
        with retrieved_database(site, selected) as source:
            make = plan_tables if order.action == "plan" else make_side_database
            return make(site, source, order.table)
    if order.action == "plan":
        return plan(site, selected, scope=order.scope)
    return stage(site, selected, scope=order.scope, salvage=order.salvage)
