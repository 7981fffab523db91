"""Alarms and dashboard: the alarm table joined to the metrics of one deployment."""

from collections import defaultdict
from collections.abc import Iterator

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.alarms import add_alarm, add_composite
from infra.alerts import Alerts
from infra.dashboard import add_dashboard
from infra.functions import Functions
from infra.names import REPLICATION_RULE, Names
from infra.schedules import Schedules
from sqlitevault.ground.alarm_table import AlarmSpec, Group, Targets, database_alarms, function_alarms, queue_alarm
from sqlitevault.ground.facts import METRIC_DIMENSION, METRIC_NAMESPACE, MONITOR_PERIOD, Metric
from sqlitevault.ground.stage import DeploymentSettings

_PERIOD = Duration.seconds(MONITOR_PERIOD.total_seconds())
_OPERATIONS_PERIOD = Duration.minutes(5)

_Watched = Iterator[tuple[AlarmSpec, cloudwatch.IMetric]]


class Monitoring(Construct):
    """Alarms, composite alarm and dashboard of the primary region."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: Functions,
        schedules: Schedules,
        settings: DeploymentSettings,
        names: Names,
    ) -> None:
        """Watch the functions, the queues and the metrics that they emit."""
        super().__init__(scope, construct_id)
        self._settings, self._names = settings, names
        alerts = Alerts(self, "Alerts", email=settings.alarm_email)
        prefix = f"sqlitevault-{settings.stage}"
        alarms: dict[str, cloudwatch.Alarm] = {}
        groups: dict[Group, list[cloudwatch.IAlarm]] = defaultdict(list)
        for spec, metric in (*self._database(), *_operations(functions, schedules, settings)):
            alarms[spec.name] = add_alarm(self, spec, metric, alerts, prefix)
            groups[spec.group].append(alarms[spec.name])
        add_composite(self, alarms, alerts, prefix)
        add_dashboard(self, name=prefix, alarms=groups, metric=self._metric, settings=settings)

    def _metric(self, metric: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=metric,
            dimensions_map={METRIC_DIMENSION: self._settings.database_name},
            statistic=statistic,
            period=_PERIOD,
        )

    def _database(self) -> _Watched:
        for spec in database_alarms(targets(self._settings)):
            own = isinstance(spec.metric, Metric)
            yield spec, self._metric(spec.metric, spec.statistic) if own else self._replication(spec)

    def _replication(self, spec: AlarmSpec) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/S3",
            metric_name=spec.metric,
            dimensions_map={
                "SourceBucket": self._names.vault,
                "DestinationBucket": self._names.replica,
                "RuleId": REPLICATION_RULE,
            },
            statistic=spec.statistic,
            period=_PERIOD,
        )


class RecoveryMonitoring(Construct):
    """Alarms of the recovery region: its drill, its functions, its queues."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: Functions,
        schedules: Schedules,
        settings: DeploymentSettings,
    ) -> None:
        """Watch the functions and the queues."""
        super().__init__(scope, construct_id)
        alerts = Alerts(self, "Alerts", email=settings.alarm_email)
        for spec, metric in _operations(functions, schedules, settings):
            add_alarm(self, spec, metric, alerts, f"sqlitevault-{settings.stage}-recovery")


def targets(settings: DeploymentSettings) -> Targets:
    """Return what the thresholds depend on, as deployed."""
    return Targets(
        rpo_seconds=60 * settings.rpo_minutes,
        rto_seconds=60 * settings.rto_minutes,
        loss_percent=settings.mass_deletion_percent,
        size_change_percent=settings.size_change_percent,
    )


def _operations(functions: Functions, schedules: Schedules, settings: DeploymentSettings) -> _Watched:
    for name, queue in (("Functions", functions.dead_letters), ("Schedules", schedules.dead_letters)):
        yield queue_alarm(name), queue.metric_approximate_number_of_messages_visible(period=_OPERATIONS_PERIOD)
    for verb, function in functions.made.items():
        for spec in function_alarms(verb, settings.timeout_seconds):
            yield spec, function.metric(spec.metric, statistic=spec.statistic, period=_OPERATIONS_PERIOD)
