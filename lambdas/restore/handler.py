"""Operator -> plan, stage, promote or undo a restore on the file system, whole or of single tables."""

from typing import Any

from sqlitevault.catalog.catalog import Choice
from sqlitevault.catalog.report import Report
from sqlitevault.catalog.selection import Selected, select
from sqlitevault.functions.events import RestoreEvent
from sqlitevault.functions.telemetry import failures
from sqlitevault.ground.facts import Metric
from sqlitevault.restore import (
    Target,
    make_side_database,
    merge_staged,
    newest_side_database,
    newest_staged,
    origin,
    plan,
    plan_tables,
    promote,
    stage,
    undo,
)
from sqlitevault.wiring import Wiring, now, wire


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make the move that the event asks for and return its report."""
    wired = wire()
    with failures(Metric.RESTORE_FAILED, wired.settings.database_path.stem):
        return _move(RestoreEvent.parse(event), wired).to_dict()


def _move(order: RestoreEvent, wired: Wiring) -> Report:
    target = Target(wired.settings.database_path, wired.settings.config_root)
    if order.action == "undo":
        return undo(target, now=now(), force=order.force)
    if order.action == "promote" and order.table:
        staged = newest_side_database(target) if order.backup == "latest" else order.backup
        return merge_staged(target, staged, order.table, missing_only=order.missing_only, now=now())
    if order.action == "promote":
        staged = newest_staged(target) if order.backup == "latest" else order.backup
        return promote(target, staged, now=now(), force=order.force)
    name = wired.settings.database_path.stem
    choice = Choice.of(order.backup, at=order.at, before=order.before_incident, scope=order.scope, database=name)
    selected = select(wired.vault, choice)
    if order.table:
        return _tables(order, wired, selected, target)
    scratch = wired.settings.scratch
    if order.action == "plan":
        return plan(selected, target, scope=order.scope, now=now(), scratch=scratch, replica=wired.replica)
    return stage(
        selected,
        target,
        scope=order.scope,
        now=now(),
        scratch=scratch,
        replica=wired.replica,
        salvage=order.salvage,
    )


def _tables(order: RestoreEvent, wired: Wiring, selected: Selected, target: Target) -> Report:
    with origin(selected, wired.settings.scratch, replica=wired.replica) as source:
        if order.action == "plan":
            return plan_tables(source, target, order.table, now=now(), scratch=wired.settings.scratch)
        side = target.tables(source.manifest.backup_id)
        return make_side_database(source, target, order.table, side=side, now=now())
