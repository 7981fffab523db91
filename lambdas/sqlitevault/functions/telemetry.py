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
    manifest, database, snapshot = report.manifest, report.manifest.database, report.manifest.snapshot
    metrics = {
        Metric.BACKUP_SUCCEEDED: 1,
        Metric.BACKUP_FAILED: 0,
        Metric.BACKUP_SECONDS: report.seconds if report.created else None,
        Metric.ARCHIVE_BYTES: manifest.archive.bytes if report.created and manifest.archive else None,
        Metric.DATABASE_BYTES: database.bytes if database else None,
        Metric.ROWS: manifest.rows if database else None,
        Metric.WRITER_STALL_SECONDS: snapshot.writer_stall_seconds if snapshot else None,
    }
    _emit(manifest.source.name, metrics | _of_changes(report.changes))


def emit_drill(report: DrillReport, database: str) -> None:
    """Emit the metrics of a drill, passed or not."""
    metrics = {
        Metric.DRILL_SUCCEEDED: float(report.passed),
        Metric.DRILL_FAILED: float(not report.passed),
        Metric.RECOVERY_SECONDS: report.recovery_seconds if report.passed else None,
    }
    _emit(database, metrics)


def emit_monitor(report: MonitorReport) -> None:
    """Emit the monitor's figures.

    Recovery time and lost rows are also emitted by drills and backups, but only once an hour, or never where no
    function takes them. Repeated here, they keep an alarm firing for as long as its cause lasts.
    """
    newest, proven = report.vault.newest, report.vault.proven
    copy = report.replica.newest if report.replica else None
    metrics = {
        Metric.REPLICATION_PENDING_SECONDS: report.replication_pending_seconds,
        Metric.REPLICATION_FAILED: report.replication_failed,
        Metric.MISSING_TIERS: len(report.missing_tiers),
        Metric.VAULT_DRIFT: len(report.drift),
        Metric.VAULT_BYTES: report.vault.total_bytes,
        Metric.BACKUP_AGE_SECONDS: newest.age_seconds if newest else None,
        Metric.PROVEN_BACKUP_AGE_SECONDS: proven.age_seconds if proven else None,
        Metric.REPLICA_AGE_SECONDS: copy.age_seconds if copy else None,
        Metric.REPLICA_DRILL_AGE_SECONDS: report.replica_drill_age_seconds,
        Metric.RECOVERY_SECONDS: proven.recovery_seconds if proven else None,
    }
    _emit(report.database, metrics | _of_changes(report.changes))


def _of_changes(changes: Changes | None) -> dict[Metric, float | None]:
    return {
        Metric.LARGEST_TABLE_LOSS_PERCENT: changes.largest_loss_percent if changes else None,
        Metric.DATABASE_CHANGE_PERCENT: changes.database_change_percent if changes else None,
    }


@cache
def logger() -> Logger:
    """Return the logger of this process."""
    return Logger()


def logged(handler: Handler) -> Handler:
    """Add the request id and the other facts of an invocation to every line that its handler logs."""

    @wraps(handler)
    def run(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401
        if not hasattr(context, "aws_request_id"):  # invoked by a program other than Lambda
            return handler(event, context)
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


def _emit(database: str, metrics: Mapping[Metric, float | None]) -> None:
    """Emit the known figures: for an unknown one, missing data is what its alarm fires on."""
    # service="": otherwise Powertools adds a second dimension, and the alarms on only {Database} get no data.
    emitter = EphemeralMetrics(namespace=METRIC_NAMESPACE, service="")
    emitter.add_dimension(METRIC_DIMENSION, database)
    for metric, value in metrics.items():
        if value is not None:
            emitter.add_metric(metric, metric.unit, value)
    emitter.flush_metrics()
