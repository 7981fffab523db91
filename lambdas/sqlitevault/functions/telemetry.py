"""Metrics and logs. Services return reports; only this module turns them into numbers and log lines.

Metrics are CloudWatch's embedded metric format on stdout, since a function in the VPC reaches nothing but S3.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from sqlitevault.backup.backup import BackupReport
from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.ground.errors import SqliteVaultError
from sqlitevault.ground.facts import METRIC_DIMENSION, METRIC_NAMESPACE, Metric
from sqlitevault.ground.report import Report
from sqlitevault.watch.changes import Changes
from sqlitevault.watch.monitor import MonitorReport

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
_UNLOGGED: Mapping[str, bool | Mapping[str, set[str]]] = {
    "manifest": True,
    "key_metadata": True,
    "files": {"__all__": {"diff"}},
}
_LOGGED_ITEMS = 50


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


@cache
def logger() -> Logger:
    """Return the logger of this process."""
    return Logger()


def logged(handler: Handler) -> Handler:
    """Add what Lambda knows of an invocation, above all its request id, to every line that its handler logs."""

    @wraps(handler)
    def run(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401
        with_context: Handler = logger().inject_lambda_context(handler)
        return with_context(event, context)

    return run


def log_report(report: Report) -> dict[str, Any]:
    """Log a report as one JSON line, and return it whole, as the answer of the function.

    The line lacks what may be secret or is large: differences between configuration files, keys, the manifest, and all
    but the first items of a list. Backups, drills and the monitor leave their whole report in the vault.
    """
    kept = report.model_dump(mode="json", exclude=_UNLOGGED)
    logger().info(type(report).__name__, report={name: _shortened(value) for name, value in kept.items()})
    return report.to_dict()


def _shortened(value: object) -> object:
    if isinstance(value, list) and len(value) > _LOGGED_ITEMS:
        return [*value[:_LOGGED_ITEMS], f"and {len(value) - _LOGGED_ITEMS} more"]
    return value


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
    """Log an error of ours in the body and continue: the next run does the work again, and no alarm is needed."""
    try:
        yield
    except SqliteVaultError as error:
        log_failure(error)


def log_failure(error: Exception) -> None:
    """Log an error with its code and its hint as fields of their own."""
    if isinstance(error, SqliteVaultError):
        logger().error(str(error), error_code=error.code, hint=error.hint)
    else:
        logger().exception("an unexpected error", error_code=type(error).__name__)


def _emit(database: str, metrics: Mapping[Metric, float]) -> None:
    # service="": otherwise Powertools adds a dimension, and alarms on {Database} alone see nothing.
    emitter = EphemeralMetrics(namespace=METRIC_NAMESPACE, service="")
    emitter.add_dimension(METRIC_DIMENSION, database)
    for metric, value in metrics.items():
        emitter.add_metric(metric, metric.unit, value)
    emitter.flush_metrics()
