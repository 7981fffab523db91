"""Alarms that would have told.

Metrics of our own are those of `sqlitevault.functions.telemetry`: namespace SqliteVault, dimension Database.
"""

from collections.abc import Iterator
from datetime import timedelta

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alarms import AlarmSpec, add_alarm, described, minutes
from infra.alerts import Alerts
from infra.context import DeploymentSettings
from infra.dashboard import add_dashboard
from infra.functions import Functions
from infra.names import REPLICATION_RULE, Names
from infra.schedules import Schedules
from sqlitevault.ground.facts import (
    METRIC_DIMENSION,
    METRIC_NAMESPACE,
    MONITOR_PERIOD,
    REPLICA_DRILL_OVERDUE_AFTER,
    RPO_GRACE,
    Metric,
)

_RPO_GRACE_MINUTES = RPO_GRACE // timedelta(minutes=1)
_MONITOR_MINUTES = MONITOR_PERIOD // timedelta(minutes=1)


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
        queues = {"Functions": functions.dead_letters, "Schedules": schedules.dead_letters}
        specs = [*self._promises(), *self._copies(), *self._accidents(), *_operations(functions.made, queues)]
        alarms = {spec.name: add_alarm(self, spec, alerts, prefix) for spec in specs}
        self._composite(alarms, alerts, prefix)
        add_dashboard(
            self,
            name=prefix,
            alarms=alarms.values(),
            metric=lambda name, statistic: self._metric(name, statistic=statistic),
            settings=settings,
        )

    def _metric(self, name: str, *, statistic: str = "Maximum", period: int = _MONITOR_MINUTES) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=name,
            dimensions_map={METRIC_DIMENSION: self._settings.database_name},
            statistic=statistic,
            period=minutes(period),
        )

    def _promises(self) -> Iterator[AlarmSpec]:
        rpo = 60 * (self._settings.rpo_minutes + _RPO_GRACE_MINUTES)
        rto = 60 * self._settings.rto_minutes
        yield AlarmSpec(
            "NoProvenBackup", self._metric(Metric.PROVEN_BACKUP_AGE_SECONDS), rpo,
            "No backup within the RPO has been restored and compared: what is lost now may be lost for good.",
            "Look at `sqlitevault list` and take a backup by hand.",
            "no-backup", silence_is_bad=True,
        )  # fmt: skip
        yield AlarmSpec(
            "NoBackup", self._metric(Metric.BACKUP_SUCCEEDED, statistic="Sum"), 1,
            "No backup succeeded within the RPO.",
            "Take a backup by hand; its answer says what is wrong.",
            "no-backup", periods=-(-(self._settings.rpo_minutes + _RPO_GRACE_MINUTES) // _MONITOR_MINUTES),
            below=True, silence_is_bad=True,
        )  # fmt: skip
        yield AlarmSpec(
            "BackupFailed", self._metric(Metric.BACKUP_FAILED, statistic="Sum"), 1,
            "A backup failed; its error and hint are in the function's log.",
            "Do what the hint says and take a backup by hand.",
            "no-backup",
        )  # fmt: skip
        yield AlarmSpec(
            "DrillFailed", self._metric(Metric.DRILL_FAILED, statistic="Sum"), 1,
            "A backup could not be restored and compared: restore passes it over.",
            "Take another backup and see that it is proven.",
            "drill-failed",
        )  # fmt: skip
        yield AlarmSpec(
            "RecoverySlow", self._metric(Metric.RECOVERY_SECONDS), rto / 2,
            "Recovery takes more than half the RTO.",
            "See in the drill's report which step takes the time.",
            "recovery-slow",
        )  # fmt: skip

    def _copies(self) -> Iterator[AlarmSpec]:
        late = 60 * (self._settings.rpo_minutes + _RPO_GRACE_MINUTES + _MONITOR_MINUTES)
        yield AlarmSpec(
            "ReplicaBehind", self._metric(Metric.REPLICA_AGE_SECONDS), late,
            "The newest backup in the recovery region is too old.",
            "See whether the vault itself has a newer one.",
            "replica-behind", silence_is_bad=True,
        )  # fmt: skip
        yield AlarmSpec(
            "ReplicationFailed", self._metric(Metric.REPLICATION_FAILED), 1,
            "Objects were not copied to the recovery region.",
            "Take a backup, and copy what the monitor names.",
            "replica-behind",
        )  # fmt: skip
        yield AlarmSpec(
            "ReplicationErrors", self._replication_errors(), 1,
            "S3 reports failed replications.",
            "Take a backup, and copy what the monitor names.",
            "replica-behind",
        )  # fmt: skip
        yield AlarmSpec(
            "NoReplicaDrill", self._metric(Metric.REPLICA_DRILL_AGE_SECONDS),
            REPLICA_DRILL_OVERDUE_AFTER.total_seconds(),
            "No drill in the recovery region has passed for more than a month.",
            "Invoke the drill function there.",
            "replica-behind", silence_is_bad=True,
        )  # fmt: skip

    def _accidents(self) -> Iterator[AlarmSpec]:
        change = self._settings.size_change_percent
        yield AlarmSpec(
            "MassDeletion", self._metric(Metric.LARGEST_TABLE_LOSS_PERCENT), self._settings.mass_deletion_percent,
            "A table lost a large share of its rows within a day.",
            "Find out whether somebody meant it; if not, restore that table.",
            "accidental-deletion",
        )  # fmt: skip
        yield AlarmSpec(
            "SuspiciousGrowth", self._metric(Metric.DATABASE_CHANGE_PERCENT), change,
            "The database grew suspiciously since the backup before.",
            "Compare the two backups with `sqlitevault diff`.",
            "corruption",
        )  # fmt: skip
        yield AlarmSpec(
            "SuspiciousShrink", self._metric(Metric.DATABASE_CHANGE_PERCENT, statistic="Minimum"), -change,
            "The database shrank suspiciously since the backup before.",
            "Compare the two backups with `sqlitevault diff`.",
            "accidental-deletion", below=True,
        )  # fmt: skip
        yield AlarmSpec(
            "MissingTier", self._metric(Metric.MISSING_TIERS), 1,
            "A daily, weekly or monthly backup did not come when it was due.",
            "See which in the monitor's answer, and take it by hand.",
            "no-backup",
        )  # fmt: skip
        yield AlarmSpec(
            "VaultDrift", self._metric(Metric.VAULT_DRIFT), 1,
            "Lock, lifecycle or versioning of the vault are not as deployed.",
            "Find out who changed them; `cdk deploy` puts them back.",
            "ransomware",
        )  # fmt: skip

    def _replication_errors(self) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/S3",
            metric_name="OperationsFailedReplication",
            dimensions_map={
                "SourceBucket": self._names.vault,
                "DestinationBucket": self._names.replica,
                "RuleId": REPLICATION_RULE,
            },
            statistic="Sum",
            period=minutes(_MONITOR_MINUTES),
        )

    def _composite(self, alarms: dict[str, cloudwatch.Alarm], alerts: Alerts, prefix: str) -> None:
        bad = cloudwatch.AlarmState.ALARM
        rules = [
            cloudwatch.AlarmRule.from_alarm(alarms[name], bad)
            for name in ("NoProvenBackup", "ReplicaBehind", "RecoverySlow")
        ]
        composite = cloudwatch.CompositeAlarm(
            self,
            "CouldNotRecoverNow",
            composite_alarm_name=f"{prefix}-CouldNotRecoverNow",
            alarm_description=described(
                "If disaster struck now, a promise would be broken.",
                "See which alarm on the dashboard says so, and do what that one says.",
                "no-backup",
            ),
            alarm_rule=cloudwatch.AlarmRule.any_of(*rules),
        )
        composite.add_alarm_action(alerts.action())
        composite.add_ok_action(alerts.action())


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
        """Watch what runs there."""
        super().__init__(scope, construct_id)
        alerts = Alerts(self, "Alerts", email=settings.alarm_email)
        queues = {"Functions": functions.dead_letters, "Schedules": schedules.dead_letters}
        for spec in _operations(functions.made, queues):
            add_alarm(self, spec, alerts, f"sqlitevault-{settings.stage}-recovery")


def _operations(functions: dict[str, lambda_.Function], queues: dict[str, sqs.Queue]) -> Iterator[AlarmSpec]:
    for name, queue in queues.items():
        yield AlarmSpec(
            f"DeadLetters{name}",
            queue.metric_approximate_number_of_messages_visible(period=minutes(5)), 1,
            "An event was given up after all retries; the queue holds it.",
            "Read it, and send it again when the cause is mended.",
            "no-backup",
        )  # fmt: skip
    for verb, function in functions.items():
        yield AlarmSpec(
            f"{verb.title()}Errors", function.metric_errors(period=minutes(5)), 1,
            f"The {verb} function failed; its error and hint are in its log.",
            "Read them, and do what the hint says.",
            "function-errors",
        )  # fmt: skip
        if function.timeout is not None:
            yield AlarmSpec(
                f"{verb.title()}Slow", function.metric_duration(period=minutes(5), statistic="Maximum"),
                function.timeout.to_milliseconds() / 2,
                f"The {verb} function takes more than half its time limit.",
            "See in its report which step takes the time.",
            "recovery-slow",
            )  # fmt: skip
