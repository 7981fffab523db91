"""Operator -> plan, stage, promote or undo a restore on the file system, whole or of single tables."""

from typing import Any

from sqlitevault.catalog.selection import Choice, Selected, select
from sqlitevault.functions.events import RestoreEvent
from sqlitevault.functions.telemetry import failures
from sqlitevault.functions.wiring import site_of
from sqlitevault.ground.facts import Metric
from sqlitevault.ground.report import Report
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
from sqlitevault.site import Site


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make the move that the event asks for and return its report."""
    site = site_of(context.function_name)
    with failures(Metric.RESTORE_FAILED, site.database_name):
        return _move(RestoreEvent.parse(event), site).to_dict()


def _move(order: RestoreEvent, site: Site) -> Report:
    target = Target(site.settings.database_path, site.settings.config_root)
    if order.action == "undo":
        return undo(target, now=site.now(), force=order.force)
    if order.action == "promote" and order.table:
        staged = newest_side_database(target) if order.backup == "latest" else order.backup
        return merge_staged(target, staged, order.table, missing_only=order.missing_only, now=site.now())
    if order.action == "promote":
        staged = newest_staged(target) if order.backup == "latest" else order.backup
        return promote(target, staged, now=site.now(), force=order.force)
    name = site.database_name
    choice = Choice(at=order.at, before=order.before_incident, scope=order.scope, database=name)
    selected = select(site.vault, choice.named(order.backup))
    if order.table:
        return _tables(order, site, selected, target)
    scratch = site.settings.scratch
    if order.action == "plan":
        return plan(selected, target, scope=order.scope, now=site.now(), scratch=scratch, replica=site.replica)
    return stage(
        selected,
        target,
        scope=order.scope,
        now=site.now(),
        scratch=scratch,
        replica=site.replica,
        salvage=order.salvage,
    )


def _tables(order: RestoreEvent, site: Site, selected: Selected, target: Target) -> Report:
    with origin(selected, site.settings.scratch, replica=site.replica) as source:
        if order.action == "plan":
            return plan_tables(source, target, order.table, now=site.now(), scratch=site.settings.scratch)
        side = target.tables(source.manifest.backup_id)
        return make_side_database(source, target, order.table, side=side, now=site.now())
