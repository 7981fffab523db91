"""Metrics and logs: the only place that knows them. Services return reports; here they become numbers.

Metrics are CloudWatch's embedded metric format on stdout, since a function in the VPC reaches nothing but S3.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from sqlitevault.backup.backup import BackupReport
from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.ground.errors import SqliteVaultError
from sqlitevault.ground.facts import METRIC_DIMENSION, METRIC_NAMESPACE, Metric
from sqlitevault.watch.changes import Changes
from sqlitevault.watch.monitor import MonitorReport


def emit_backup(report: BackupReport) -> None:
    """Emit the metrics of a committed backup."""
    manifest = report.manifest
    metrics: dict[Metric, float] = {Metric.BACKUP_SUCCEEDED: 1, Metric.BACKUP_FAILED: 0}
    if report.created:
        metrics[Metric.BACKUP_SECONDS] = report.seconds
        metrics[Metric.ARCHIVE_BYTES] = manifest.archive.bytes if manifest.archive else 0
    if manifest.database is not None and manifest.snapshot is not None:
        metrics[Metric.DATABASE_BYTES] = manifest.database.bytes
        metrics[Metric.ROWS] = manifest.rows
        metrics[Metric.WRITER_STALL_SECONDS] = manifest.snapshot.writer_stall_seconds
    _emit(manifest.source.name, metrics | _of_changes(report.changes))


def emit_drill(report: DrillReport, database: str) -> None:
    """Emit the metrics of a drill, passed or not."""
    metrics = {
        Metric.DRILL_SUCCEEDED: 1.0 if report.passed else 0.0,
        Metric.DRILL_FAILED: 0.0 if report.passed else 1.0,
    }
    if report.passed:
        metrics[Metric.RECOVERY_SECONDS] = report.recovery_seconds
    _emit(database, metrics)


def emit_monitor(report: MonitorReport) -> None:
    """Emit what the monitor saw. An age that is not known is not emitted: missing data is what the alarm is for.

    A drill tells its recovery time, and a backup what was lost, once an hour or not at all where no function does it;
    told here, a slow recovery and a loss stay in every alarm's sight for as long as they last.
    """
    metrics: dict[Metric, float] = {
        Metric.REPLICATION_PENDING_SECONDS: report.replication_pending_seconds,
        Metric.REPLICATION_FAILED: report.replication_failed,
        Metric.MISSING_TIERS: len(report.missing_tiers),
        Metric.VAULT_DRIFT: len(report.drift),
        Metric.VAULT_BYTES: report.vault.total_bytes,
    }
    ages = {
        Metric.BACKUP_AGE_SECONDS: report.vault.newest,
        Metric.PROVEN_BACKUP_AGE_SECONDS: report.vault.proven,
        Metric.REPLICA_AGE_SECONDS: report.replica.newest if report.replica else None,
    }
    metrics |= {name: newest.age_seconds for name, newest in ages.items() if newest is not None}
    if report.replica_drill_age_seconds is not None:
        metrics[Metric.REPLICA_DRILL_AGE_SECONDS] = report.replica_drill_age_seconds
    if report.vault.proven is not None and report.vault.proven.recovery_seconds is not None:
        metrics[Metric.RECOVERY_SECONDS] = report.vault.proven.recovery_seconds
    _emit(report.database, metrics | _of_changes(report.changes))


def _of_changes(changes: Changes | None) -> dict[Metric, float]:
    if changes is None:
        return {}
    return {
        Metric.LARGEST_TABLE_LOSS_PERCENT: changes.largest_loss_percent,
        Metric.DATABASE_CHANGE_PERCENT: changes.database_change_percent,
    }


@contextmanager
def failures(metric: Metric, database: str) -> Iterator[None]:
    """Count and log an error of the body under `metric`, and let it escape to retries, dead letters and alarms."""
    try:
        yield
    except Exception as error:
        _emit(database, {metric: 1})
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


def _emit(database: str, metrics: Mapping[Metric, float]) -> None:
    # service="": otherwise Powertools adds a dimension, and alarms on {Database} alone see nothing.
    emitter = EphemeralMetrics(namespace=METRIC_NAMESPACE, service="")
    emitter.add_dimension(METRIC_DIMENSION, database)
    for metric, value in metrics.items():
        emitter.add_metric(metric, metric.unit, value)
    emitter.flush_metrics()
