"""The dashboard: the lines of `sqlitevault report`, each promise drawn across, and the state of every alarm."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.context import DeploymentSettings

_WIDTH = 24
# What S3 Replication Time Control promises.
_REPLICATION_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class _Graph:
    """Metrics of ours over time, and what they are held to: lines across, each with its name."""

    title: str
    metrics: tuple[str, ...]
    limits: tuple[tuple[str, float], ...] = ()
    statistic: str = "Maximum"


def add_dashboard(
    scope: Construct,
    *,
    name: str,
    alarms: Iterable[cloudwatch.IAlarm],
    metric: Callable[[str, str], cloudwatch.IMetric],
    settings: DeploymentSettings,
) -> None:
    """Make the dashboard; `metric` returns the metric of this name with this statistic."""
    status = cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=_WIDTH)
    rows: list[list[cloudwatch.IWidget]] = [
        [_drawn(graph, metric, _WIDTH // len(row)) for graph in row] for row in _rows(settings)
    ]
    cloudwatch.Dashboard(scope, "Dashboard", dashboard_name=name, widgets=[[status], *rows])


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
    ages = ("ProvenBackupAgeSeconds", "ReplicaAgeSeconds")
    stall, loss = settings.max_writer_stall_seconds, settings.mass_deletion_percent
    return (
        (
            _Graph("Age of the newest proven backup, and of the replica's newest", ages, (rpo,)),
            _Graph("Recovery time, as drilled", ("RecoverySeconds",), (rto,)),
            _Graph(
                "How long the oldest object has waited for its copy",
                ("ReplicationPendingSeconds",),
                (("promised by S3", _REPLICATION_SECONDS),),
            ),
        ),
        (
            _Graph("Sizes", ("DatabaseBytes", "ArchiveBytes")),
            _Graph("Rows in all tables", ("Rows",)),
            _Graph("How long writers may have waited", ("WriterStallSeconds",), (("at most", stall),)),
        ),
        (
            _Graph("Drills", ("DrillSucceeded", "DrillFailed"), statistic="Sum"),
            _Graph(
                "Largest loss of a table within a day, in percent", ("LargestTableLossPercent",), (("alarm", loss),)
            ),
            _Graph("Overdue tiers, and settings not as deployed", ("MissingTiers", "VaultDrift")),
            _Graph("All archives", ("VaultBytes",)),
        ),
    )
