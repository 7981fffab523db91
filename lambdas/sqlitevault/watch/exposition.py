"""What the monitor sees as metrics for Prometheus, in the text format of node_exporter's textfile collector.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlitevault.watch.monitor import MonitorReport, Newest

_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True, slots=True)
class Metric:
    """One gauge."""

    name: str
    says: str
    value: float


def metrics(report: MonitorReport, *, rto_seconds: int, last_run_failed: bool = False) -> tuple[Metric, ...]:
    """Return the figures of a report, named after the database: `devops_hub_…`.

    Moments are seconds since 1970, as Prometheus wants them: `time() - moment` is an age that goes on growing when
    nobody measures any more. A moment of 0 means never.
    """
    prefix = _NOT_IN_A_NAME.sub("_", report.database)
    if prefix[:1].isdigit():
        prefix = f"_{prefix}"
    figures = (*_backups(report, last_run_failed=last_run_failed), *_promises(report, rto_seconds), *_copies(report))
    return tuple(Metric(f"{prefix}_{figure.name}", figure.says, figure.value) for figure in figures)


def exposition(found: tuple[Metric, ...]) -> str:
    """Return the metrics as a file for the textfile collector."""
    return "".join(
        f"# HELP {metric.name} {metric.says}\n# TYPE {metric.name} gauge\n{metric.name} {metric.value:.15g}\n"
        for metric in found
    )


def _backups(report: MonitorReport, *, last_run_failed: bool) -> Iterator[Metric]:
    newest, proven = report.vault.newest, report.vault.proven
    good = newest is not None and newest == proven and not last_run_failed
    yield Metric(
        "last_backup_timestamp", "When the newest backup was taken; 0 if there is none.", _moment(report, newest)
    )
    yield Metric("last_backup_success", "1 if the newest backup was restored and compared, else 0.", float(good))
    yield Metric(
        "last_proven_backup_timestamp", "When the newest proven backup was taken; 0 if there is none.",
        _moment(report, proven),
    )  # fmt: skip
    figures = (
        ("database_bytes", "Size of the database in the newest backup.", newest.database_bytes if newest else None),
        ("archive_bytes", "Size of the newest backup's archive.", newest.archive_bytes if newest else None),
        ("rows", "Rows of all tables in the newest backup.", newest.rows if newest else None),
        (
            "last_recovery_seconds",
            "Recovery time of the newest proven backup.",
            proven.recovery_seconds if proven else None,
        ),
        (
            "largest_table_loss_percent",
            "Largest share of its rows that any table has lost within a day.",
            report.changes.largest_loss_percent if report.changes else None,
        ),
    )
    yield from (Metric(name, says, value) for name, says, value in figures if value is not None)
    yield Metric("backups", "Committed backups in the vault.", report.vault.backups)
    yield Metric("vault_bytes", "Size of all archives in the vault.", report.vault.total_bytes)


def _promises(report: MonitorReport, rto_seconds: int) -> Iterator[Metric]:
    yield Metric("rpo_seconds", "How much work may be lost: the recovery point objective.", report.rpo_seconds)
    yield Metric("rto_seconds", "How long recovery may take: the recovery time objective.", rto_seconds)
    yield Metric("missing_tiers", "Tiers whose newest backup is overdue.", len(report.missing_tiers))
    yield Metric("vault_drift", "Settings of the vault that are not as deployed.", len(report.drift))
    yield Metric("backup_report_timestamp", "When these figures were measured.", report.at.timestamp())


def _copies(report: MonitorReport) -> Iterator[Metric]:
    if report.replica is None:
        return
    newest = _moment(report, report.replica.newest)
    yield Metric("replica_last_backup_timestamp", "When the newest backup in the replica was taken; 0: none.", newest)
    drilled = _ago(report, report.replica_drill_age_seconds)
    yield Metric("replica_last_drill_timestamp", "When a drill from the replica passed, or its first backup.", drilled)
    pending = report.replication_pending_seconds
    yield Metric("replication_pending_seconds", "How long the oldest object has waited for its copy.", pending)
    yield Metric("replication_failed", "Objects whose copy failed.", report.replication_failed)


def _moment(report: MonitorReport, newest: Newest | None) -> float:
    return _ago(report, newest.age_seconds if newest else None)


def _ago(report: MonitorReport, age_seconds: float | None) -> float:
    return (report.at - timedelta(seconds=age_seconds)).timestamp() if age_seconds is not None else 0.0
