"""Metrics and logs: the only place that knows them. Services return reports; here they become numbers.

Metrics are CloudWatch's embedded metric format on stdout, since a function in the VPC reaches nothing but S3.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from sqlitevault.backup.backup import BackupReport
from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.ground.errors import SqliteVaultError
from sqlitevault.watch.alarms import DIMENSION, NAMESPACE
from sqlitevault.watch.changes import Changes
from sqlitevault.watch.monitor import MonitorReport

_COUNT, _SECONDS, _BYTES, _PERCENT = MetricUnit.Count, MetricUnit.Seconds, MetricUnit.Bytes, MetricUnit.Percent


def emit_backup(report: BackupReport) -> None:
    """Emit the metrics of a committed backup."""
    manifest = report.manifest
    metrics: dict[str, tuple[MetricUnit, float]] = {"BackupSucceeded": (_COUNT, 1), "BackupFailed": (_COUNT, 0)}
    if report.created:
        metrics["BackupSeconds"] = (_SECONDS, report.seconds)
        metrics["ArchiveBytes"] = (_BYTES, manifest.archive.bytes if manifest.archive else 0)
    if manifest.database is not None and manifest.snapshot is not None:
        metrics["DatabaseBytes"] = (_BYTES, manifest.database.bytes)
        metrics["Rows"] = (_COUNT, manifest.rows)
        metrics["WriterStallSeconds"] = (_SECONDS, manifest.snapshot.writer_stall_seconds)
    _emit(manifest.source.name, metrics | _of_changes(report.changes))


def emit_drill(report: DrillReport, database: str) -> None:
    """Emit the metrics of a drill, passed or not."""
    metrics = {
        "DrillSucceeded": (_COUNT, 1.0 if report.passed else 0.0),
        "DrillFailed": (_COUNT, 0.0 if report.passed else 1.0),
    }
    if report.passed:
        metrics["RecoverySeconds"] = (_SECONDS, report.recovery_seconds)
    _emit(database, metrics)


def emit_monitor(report: MonitorReport) -> None:
    """Emit what the monitor saw. An age that is not known is not emitted: missing data is what the alarm is for.

    A drill tells its recovery time, and a backup what was lost, once an hour or not at all where no function does it;
    told here, a slow recovery and a loss stay in every alarm's sight for as long as they last.
    """
    metrics: dict[str, tuple[MetricUnit, float]] = {
        "ReplicationPendingSeconds": (_SECONDS, report.replication_pending_seconds),
        "ReplicationFailed": (_COUNT, report.replication_failed),
        "MissingTiers": (_COUNT, len(report.missing_tiers)),
        "VaultDrift": (_COUNT, len(report.drift)),
        "VaultBytes": (_BYTES, report.vault.total_bytes),
    }
    ages = {
        "BackupAgeSeconds": report.vault.newest,
        "ProvenBackupAgeSeconds": report.vault.proven,
        "ReplicaAgeSeconds": report.replica.newest if report.replica else None,
    }
    metrics |= {name: (_SECONDS, newest.age_seconds) for name, newest in ages.items() if newest is not None}
    if report.replica_drill_age_seconds is not None:
        metrics["ReplicaDrillAgeSeconds"] = (_SECONDS, report.replica_drill_age_seconds)
    if report.vault.proven is not None and report.vault.proven.recovery_seconds is not None:
        metrics["RecoverySeconds"] = (_SECONDS, report.vault.proven.recovery_seconds)
    _emit(report.database, metrics | _of_changes(report.changes))


def _of_changes(changes: Changes | None) -> dict[str, tuple[MetricUnit, float]]:
    if changes is None:
        return {}
    return {
        "LargestTableLossPercent": (_PERCENT, changes.largest_loss_percent),
        "DatabaseChangePercent": (_PERCENT, changes.database_change_percent),
    }


@contextmanager
def failures(metric: str, database: str) -> Iterator[None]:
    """Count and log an error of the body under `metric`, and let it escape to retries, dead letters and alarms."""
    try:
        yield
    except Exception as error:
        _emit(database, {metric: (_COUNT, 1)})
        log_failure(error)
        raise


@contextmanager
def only_logged() -> Iterator[None]:
    """Log an error of ours in the body and go on: for what the next run does again, and nobody need be called for."""
    try:
        yield
    except SqliteVaultError as error:
        log_failure(error)


def log_failure(error: Exception) -> None:
    """Log an error with its code and its hint as fields of their own."""
    if isinstance(error, SqliteVaultError):
        Logger().error(str(error), error_code=error.code, hint=error.hint)
    else:
        Logger().exception("an error nobody expected", error_code=type(error).__name__)


def _emit(database: str, metrics: Mapping[str, tuple[MetricUnit, float]]) -> None:
    # service="": otherwise Powertools adds a dimension, and alarms on {Database} alone see nothing.
    emitter = EphemeralMetrics(namespace=NAMESPACE, service="")
    emitter.add_dimension(DIMENSION, database)
    for name, (unit, value) in metrics.items():
        emitter.add_metric(name, unit, value)
    emitter.flush_metrics()
