"""The dashboard: alarm states by group, and the charts of `sqlitevault report` with their limits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from sqlitevault.ground.alarm_table import Group
from sqlitevault.ground.facts import REPLICATION_PROMISE, Metric
from sqlitevault.ground.stage import DeploymentSettings

_WIDTH = 24


@dataclass(frozen=True, slots=True)
class _Graph:
    """Metrics over time; `limits` are labelled horizontal lines."""

    title: str
    metrics: tuple[str, ...]
    limits: tuple[tuple[str, float], ...] = ()
    statistic: str = "Maximum"


def add_dashboard(
    scope: Construct,
    *,
    name: str,
    alarms: Mapping[Group, Sequence[cloudwatch.IAlarm]],
    metric: Callable[[str, str], cloudwatch.IMetric],
    settings: DeploymentSettings,
) -> None:
    """Make the dashboard; `metric` makes a metric from its name and statistic."""
    rows: list[list[cloudwatch.IWidget]] = [
        [_drawn(graph, metric, _WIDTH // len(row)) for graph in row] for row in _rows(settings)
    ]
    cloudwatch.Dashboard(scope, "Dashboard", dashboard_name=name, widgets=[*_states(alarms), *rows])


def _states(alarms: Mapping[Group, Sequence[cloudwatch.IAlarm]]) -> list[list[cloudwatch.IWidget]]:
    database = [group for group in Group if group is not Group.OPERATIONS]
    return [
        [
            cloudwatch.AlarmStatusWidget(title=group.value, alarms=alarms[group], width=_WIDTH // len(row))
            for group in row
        ]
        for row in (database, [Group.OPERATIONS])
    ]


def _drawn(graph: _Graph, metric: Callable[[str, str], cloudwatch.IMetric], width: int) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=graph.title,
        width=width,
        left=[metric(name, graph.statistic) for name in graph.metrics],
        left_annotations=[cloudwatch.HorizontalAnnotation(label=label, value=at) for label, at in graph.limits],
        left_y_axis=cloudwatch.YAxisProps(min=0),
    )


def _rows(settings: DeploymentSettings) -> tuple[tuple[_Graph, ...], ...]:
    rpo, rto = ("RPO", 60 * settings.rpo_minutes), ("RTO", 60 * settings.rto_minutes)
    ages = (Metric.PROVEN_BACKUP_AGE_SECONDS, Metric.REPLICA_AGE_SECONDS)
    stall, loss = settings.max_writer_stall_seconds, settings.mass_deletion_percent
    return (
        (
            _Graph("Age of the newest proven backup, and of the replica's newest", ages, (rpo,)),
            _Graph("Recovery time in drills", (Metric.RECOVERY_SECONDS,), (rto,)),
            _Graph(
                "Age of the oldest object that waits for its copy",
                (Metric.REPLICATION_PENDING_SECONDS,),
                (("limit of S3", REPLICATION_PROMISE.total_seconds()),),
            ),
        ),
        (
            _Graph("Sizes", (Metric.DATABASE_BYTES, Metric.ARCHIVE_BYTES)),
            _Graph("Rows in all tables", (Metric.ROWS,)),
            _Graph("Longest wait of writers", (Metric.WRITER_STALL_SECONDS,), (("at most", stall),)),
        ),
        (
            _Graph("Drills", (Metric.DRILL_SUCCEEDED, Metric.DRILL_FAILED), statistic="Sum"),
            _Graph(
                "Largest loss of a table within a day, in percent",
                (Metric.LARGEST_TABLE_LOSS_PERCENT,),
                (("alarm", loss),),
            ),
            _Graph("Overdue tiers, and drift of the vault", (Metric.MISSING_TIERS, Metric.VAULT_DRIFT)),
            _Graph("All archives", (Metric.VAULT_BYTES,)),
        ),
    )
