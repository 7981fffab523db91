"""The monitor's figures for Prometheus, in the text format of node_exporter's textfile collector.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlitevault.watch.monitor import MonitorReport, Newest

_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_]")
_Figure = tuple[str, str, float | None]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One metric with its help text."""

    name: str
    help: str
    value: float


def metrics(report: MonitorReport, *, rto_seconds: int, last_run_failed: bool = False) -> tuple[Gauge, ...]:
    """Return the figures of a report, named after the database: `<database>_…`.

    Times are seconds since 1970, and 0 means never: `time() - timestamp` is an age that keeps growing when
    measuring stops.
    """
    prefix = _NOT_IN_A_NAME.sub("_", report.database)
    if prefix[:1].isdigit():
        prefix = f"_{prefix}"
    figures = _figures(report, rto_seconds, last_run_failed)
    return tuple(Gauge(f"{prefix}_{name}", text, value) for name, text, value in figures if value is not None)


def exposition(found: tuple[Gauge, ...]) -> str:
    """Return the metrics as a file for the textfile collector."""
    return "".join(
        f"# HELP {gauge.name} {gauge.help}\n# TYPE {gauge.name} gauge\n{gauge.name} {gauge.value:.15g}\n"
        for gauge in found
    )


def _figures(report: MonitorReport, rto_seconds: int, last_run_failed: bool) -> Iterator[_Figure]:
    newest, proven, changes, replica = report.vault.newest, report.vault.proven, report.changes, report.replica
    good = newest is not None and newest == proven and not last_run_failed
    loss = changes.largest_loss_percent if changes else None
    taken, proven_taken = _time(report, newest), _time(report, proven)
    yield "last_backup_timestamp", "When the newest backup was taken; 0 if there is none.", taken
    yield "last_backup_success", "1 if the newest backup was restored and compared, else 0.", float(good)
    yield "last_proven_backup_timestamp", "When the newest proven backup was taken; 0 if there is none.", proven_taken
    if newest is not None:
        yield "database_bytes", "Size of the database in the newest backup.", newest.database_bytes
        yield "archive_bytes", "Size of the newest backup's archive.", newest.archive_bytes
        yield "rows", "Rows of all tables in the newest backup.", newest.rows
    if proven is not None:
        yield "last_recovery_seconds", "Recovery time of the newest proven backup.", proven.recovery_seconds
    yield "largest_table_loss_percent", "Largest share of its rows that any table has lost within a day.", loss
    yield "backups", "Committed backups in the vault.", report.vault.backups
    yield "vault_bytes", "Size of all archives in the vault.", report.vault.total_bytes
    yield "rpo_seconds", "How much work may be lost: the recovery point objective.", report.rpo_seconds
    yield "rto_seconds", "How long recovery may take: the recovery time objective.", rto_seconds
    yield "missing_tiers", "Tiers whose newest backup is overdue.", len(report.missing_tiers)
    yield "vault_drift", "Settings of the vault that differ from the deployed ones.", len(report.drift)
    yield "backup_report_timestamp", "When these figures were measured.", report.at.timestamp()
    if replica is None:
        return
    taken, drilled = _time(report, replica.newest), _ago(report, report.replica_drill_age_seconds)
    pending, failed = report.replication_pending_seconds, report.replication_failed
    yield "replica_last_backup_timestamp", "When the newest backup in the replica was taken; 0 if there is none.", taken
    yield "replica_last_drill_timestamp", "When a drill from the replica passed, or its first backup.", drilled
    yield "replication_pending_seconds", "Age of the oldest object that waits for its copy.", pending
    yield "replication_failed", "Objects whose copy failed.", failed


def _time(report: MonitorReport, newest: Newest | None) -> float:
    return _ago(report, newest.age_seconds if newest else None)


def _ago(report: MonitorReport, age_seconds: float | None) -> float:
    return (report.at - timedelta(seconds=age_seconds)).timestamp() if age_seconds is not None else 0.0
