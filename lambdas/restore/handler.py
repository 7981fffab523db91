"""Operator -> plan, stage, promote or undo a restore on the file system."""

from typing import Any

from sqlitevault.errors import ConfigError
from sqlitevault.events import RestoreEvent
from sqlitevault.services.catalog import Choice
from sqlitevault.services.report import Report
from sqlitevault.services.restore import Target, newest_staged, plan, promote, stage, undo
from sqlitevault.services.selection import select
from sqlitevault.telemetry import failures
from sqlitevault.wiring import Wiring, now, wire


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make the move that the event asks for and return its report."""
    wired = wire()
    with failures("RestoreFailed", wired.settings.database_path.stem):
        return _move(RestoreEvent.parse(event), wired).to_dict()


def _move(order: RestoreEvent, wired: Wiring) -> Report:
    settings = wired.settings
    target = Target(settings.database_path, settings.config_root)
    if order.action == "undo":
        return undo(target, now=now(), force=order.force)
    if order.action == "promote":
        if order.at is not None:
            raise ConfigError("promote takes no time: it swaps in what was staged", hint="Name the staged backup.")
        staged = newest_staged(target) if order.backup == "latest" else order.backup
        return promote(target, staged, now=now(), force=order.force)
    choice = Choice.of(order.backup, at=order.at, scope=order.scope, database=settings.database_path.stem)
    move = plan if order.action == "plan" else stage
    return move(select(wired.vault, choice), target, scope=order.scope, now=now(), scratch=settings.scratch)
