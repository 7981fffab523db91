"""Facts that the core and the infrastructure share: names, periods, promises and limits."""

from datetime import timedelta
from enum import StrEnum

# Prefixes in a bucket. The vault's URI ends with BACKUPS; names in the vault are relative to it.
BACKUPS = "backups/"
INBOX = "inbox/"

# Names in a vault. Whatever is not a backup lies below REPORTS.
ARCHIVE_SUFFIX = ".tar.gz"
MANIFEST_SUFFIX = ".manifest.json"
REPORTS = "reports/"
BACKUP_REPORTS = f"{REPORTS}backups/"
DRILL_REPORTS = f"{REPORTS}drills/"
# Replication would overwrite a report of the same name in the replica.
REPLICA_DRILL_REPORTS = f"{REPORTS}replica-drills/"
RUNBOOK_TESTS = f"{REPORTS}runbooks/"
MONITOR_REPORT = f"{REPORTS}monitor/latest.json"
REPORT_PAGE = f"{REPORTS}report.html"

# Folder of the configuration files in an archive.
CONFIG_PREFIX = "config/"

# Largest manifest or JSON report that is read, in bytes.
RECORD_LIMIT = 16 << 20

MONITOR_PERIOD = timedelta(minutes=15)
# S3 Replication Time Control copies an object within this time.
REPLICATION_PROMISE = timedelta(minutes=15)
# An hourly schedule makes the newest backup up to an hour old, plus the time that it and its drill take: docs/adr/0012.
RPO_GRACE = timedelta(minutes=15)


class Tier(StrEnum):
    """Why a backup was taken; decides how long it is kept."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    MANUAL = "manual"


# Each schedule's period plus its grace: a tier whose newest backup is older than this is overdue.
TIER_OVERDUE_AFTER = {
    Tier.HOURLY: timedelta(hours=1) + timedelta(minutes=30),
    Tier.DAILY: timedelta(days=1) + timedelta(hours=2),
    Tier.WEEKLY: timedelta(days=7) + timedelta(hours=6),
    Tier.MONTHLY: timedelta(days=31) + timedelta(hours=12),
}
# The recovery region drills once a month.
REPLICA_DRILL_OVERDUE_AFTER = TIER_OVERDUE_AFTER[Tier.MONTHLY]

METRIC_NAMESPACE = "SqliteVault"
# The only dimension of every metric; its value is the database's name.
METRIC_DIMENSION = "Database"


class Metric(StrEnum):
    """The metrics that the functions emit to CloudWatch."""

    BACKUP_SUCCEEDED = "BackupSucceeded"
    BACKUP_FAILED = "BackupFailed"
    BACKUP_SECONDS = "BackupSeconds"
    ARCHIVE_BYTES = "ArchiveBytes"
    DATABASE_BYTES = "DatabaseBytes"
    ROWS = "Rows"
    WRITER_STALL_SECONDS = "WriterStallSeconds"
    LARGEST_TABLE_LOSS_PERCENT = "LargestTableLossPercent"
    DATABASE_CHANGE_PERCENT = "DatabaseChangePercent"
    DRILL_SUCCEEDED = "DrillSucceeded"
    DRILL_FAILED = "DrillFailed"
    RECOVERY_SECONDS = "RecoverySeconds"
    RESTORE_FAILED = "RestoreFailed"
    MONITOR_FAILED = "MonitorFailed"
    BACKUP_AGE_SECONDS = "BackupAgeSeconds"
    PROVEN_BACKUP_AGE_SECONDS = "ProvenBackupAgeSeconds"
    REPLICA_AGE_SECONDS = "ReplicaAgeSeconds"
    REPLICA_DRILL_AGE_SECONDS = "ReplicaDrillAgeSeconds"
    REPLICATION_PENDING_SECONDS = "ReplicationPendingSeconds"
    REPLICATION_FAILED = "ReplicationFailed"
    MISSING_TIERS = "MissingTiers"
    VAULT_DRIFT = "VaultDrift"
    VAULT_BYTES = "VaultBytes"

    @property
    def unit(self) -> str:
        """The unit as CloudWatch spells it, which the name ends with: Seconds, Bytes or Percent; else Count."""
        return next((unit for unit in ("Seconds", "Bytes", "Percent") if self.endswith(unit)), "Count")
