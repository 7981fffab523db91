"""The alarm table: `infra` deploys it, readiness audits it, the dashboard groups it and docs/runbooks lists it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlitevault.ground.facts import MONITOR_PERIOD, REPLICA_DRILL_OVERDUE_AFTER, REPLICATION_PROMISE, RPO_GRACE, Metric


class Group(StrEnum):
    """Alarms that the dashboard shows together."""

    PROMISES = "Backups and drills"
    COPIES = "Recovery region"
    ACCIDENTS = "Accidents and tampering"
    OPERATIONS = "Functions and queues"


@dataclass(frozen=True, slots=True)
class Targets:
    """The settings that thresholds depend on: times in seconds, changes between backups in percent."""

    rpo_seconds: float
    rto_seconds: float
    loss_percent: float = 100
    size_change_percent: float = 100


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """One alarm: it fires when `statistic` of `metric` compares to `threshold`, for `periods` in a row.

    A `metric` that is not a `Metric` is one of AWS's own. `on_missing_data`: it also fires when there is no data.
    `fires_by`: readiness accepts any deployed alarm that fires at this value; None means at the threshold itself.
    `meaning`, `first` and `runbook` make the description.
    """

    name: str
    group: Group
    metric: Metric | str
    comparison: str
    threshold: float
    meaning: str
    first: str
    runbook: str
    statistic: str = "Maximum"
    on_missing_data: bool = False
    periods: int = 1
    fires_by: float | None = None

    @property
    def description(self) -> str:
        """What a mail says about it."""
        return describe(self.meaning, self.first, self.runbook)


def describe(meaning: str, first: str, runbook: str) -> str:
    """Return an alarm's description; `runbook` is the name of a page in docs/runbooks."""
    return f"{meaning} First: {first} Runbook: docs/runbooks/{runbook}.md"


# The composite alarm: any of these means that a recovery now would break a promise.
COULD_NOT_RECOVER = ("NoProvenBackup", "ReplicaBehind", "RecoverySlow")
COULD_NOT_RECOVER_DESCRIPTION = describe(
    "If disaster struck now, a promise would be broken.",
    "See which alarm on the dashboard fires, and follow its description.",
    "no-backup",
)


def database_alarms(targets: Targets) -> tuple[AlarmSpec, ...]:
    """Return the alarms on the database's own metrics."""
    return (*_promises(targets), *_copies(targets), *_accidents(targets))


# fmt: off
def _promises(targets: Targets) -> Iterator[AlarmSpec]:
    overdue = timedelta(seconds=targets.rpo_seconds) + RPO_GRACE
    yield AlarmSpec("NoProvenBackup", Group.PROMISES, Metric.PROVEN_BACKUP_AGE_SECONDS, ">=", overdue.total_seconds(),
        "No backup within the RPO has been restored and compared: what is lost now may be lost for good.",
        "Run `sqlitevault list` and take a backup by hand.",
        "no-backup", on_missing_data=True)
    yield AlarmSpec("NoBackup", Group.PROMISES, Metric.BACKUP_SUCCEEDED, "<", 1,
        "No backup succeeded within the RPO.",
        "Take a backup by hand; its answer says what is wrong.",
        "no-backup", statistic="Sum", on_missing_data=True, periods=-(-overdue // MONITOR_PERIOD), fires_by=0)
    yield AlarmSpec("BackupFailed", Group.PROMISES, Metric.BACKUP_FAILED, ">=", 1,
        "A backup failed; its error and hint are in the function's log.",
        "Follow the hint and take a backup by hand.",
        "no-backup", statistic="Sum")
    yield AlarmSpec("DrillFailed", Group.PROMISES, Metric.DRILL_FAILED, ">=", 1,
        "A backup could not be restored and compared; restore skips it.",
        "Take another backup and check that it is proven.",
        "drill-failed", statistic="Sum")
    yield AlarmSpec("RecoverySlow", Group.PROMISES, Metric.RECOVERY_SECONDS, ">=", targets.rto_seconds / 2,
        "Recovery takes more than half the RTO.",
        "Find the slow step in the drill's report, reports/drills/ in the vault.",
        "recovery-slow", fires_by=targets.rto_seconds)


def _copies(targets: Targets) -> Iterator[AlarmSpec]:
    late = timedelta(seconds=targets.rpo_seconds) + RPO_GRACE + REPLICATION_PROMISE
    drill_overdue = REPLICA_DRILL_OVERDUE_AFTER.total_seconds()
    yield AlarmSpec("ReplicaBehind", Group.COPIES, Metric.REPLICA_AGE_SECONDS, ">=", late.total_seconds(),
        "The newest backup in the recovery region is too old.",
        "Check whether the vault itself has a newer one.",
        "replica-behind", on_missing_data=True)
    yield AlarmSpec("ReplicationFailed", Group.COPIES, Metric.REPLICATION_FAILED, ">=", 1,
        "Objects were not copied to the recovery region.",
        "Take a backup, and copy the objects that reports/monitor/latest.json in the vault names.",
        "replica-behind")
    yield AlarmSpec("ReplicationErrors", Group.COPIES, "OperationsFailedReplication", ">=", 1,
        "S3 reports failed replications.",
        "Take a backup, and copy the objects that reports/monitor/latest.json in the vault names.",
        "replica-behind", statistic="Sum")
    yield AlarmSpec("NoReplicaDrill", Group.COPIES, Metric.REPLICA_DRILL_AGE_SECONDS, ">=", drill_overdue,
        "No drill in the recovery region has passed for more than a month.",
        "Invoke the drill function there.",
        "replica-behind", on_missing_data=True)


def _accidents(targets: Targets) -> Iterator[AlarmSpec]:
    change = targets.size_change_percent
    yield AlarmSpec("MassDeletion", Group.ACCIDENTS, Metric.LARGEST_TABLE_LOSS_PERCENT, ">=", targets.loss_percent,
        "A table lost a large share of its rows within a day.",
        "Find out whether this was intended; if not, restore that table.",
        "accidental-deletion", fires_by=100)
    yield AlarmSpec("SuspiciousGrowth", Group.ACCIDENTS, Metric.DATABASE_CHANGE_PERCENT, ">=", change,
        "The database grew suspiciously since the previous backup.",
        "Compare the two backups with `sqlitevault diff`.",
        "corruption", fires_by=100)
    yield AlarmSpec("SuspiciousShrink", Group.ACCIDENTS, Metric.DATABASE_CHANGE_PERCENT, "<", -change,
        "The database shrank suspiciously since the previous backup.",
        "Compare the two backups with `sqlitevault diff`.",
        "accidental-deletion", statistic="Minimum", fires_by=-100)
    yield AlarmSpec("MissingTier", Group.ACCIDENTS, Metric.MISSING_TIERS, ">=", 1,
        "An hourly, daily, weekly or monthly backup is overdue.",
        "Find the tier in reports/monitor/latest.json in the vault, and take that backup by hand.",
        "no-backup")
    yield AlarmSpec("VaultDrift", Group.ACCIDENTS, Metric.VAULT_DRIFT, ">=", 1,
        "The vault's lock, lifecycle or versioning differ from what was deployed.",
        "Find out who changed them; `make deploy` restores them.",
        "ransomware")


def queue_alarm(queue: str) -> AlarmSpec:
    """Return the alarm on a dead-letter queue."""
    return AlarmSpec(f"DeadLetters{queue}", Group.OPERATIONS, "ApproximateNumberOfMessagesVisible", ">=", 1,
        "An event failed after all its retries; the queue keeps it.",
        "Read it, and send it again when the cause is fixed.",
        "no-backup")


def function_alarms(verb: str, limit_seconds: float) -> Iterator[AlarmSpec]:
    """Yield the alarms on a function whose time limit is `limit_seconds`."""
    yield AlarmSpec(f"{verb.title()}Errors", Group.OPERATIONS, "Errors", ">=", 1,
        f"The {verb} function failed; its error and hint are in its log.",
        "Read them, and follow the hint.",
        "function-errors", statistic="Sum")
    yield AlarmSpec(f"{verb.title()}Slow", Group.OPERATIONS, "Duration", ">=", 1000 * limit_seconds / 2,
        f"The {verb} function takes more than half its time limit.",
        "Find the slow step in its report, a line of its log.",
        "recovery-slow")
# fmt: on
