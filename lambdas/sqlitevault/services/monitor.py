"""Look at vault and replica as an operator would every quarter of an hour, and say what is not as it should be."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import ValidationError

from sqlitevault.errors import ManifestInvalid
from sqlitevault.manifest import MANIFEST_SUFFIX, Tier, database_name
from sqlitevault.services.catalog import Backup, Catalog
from sqlitevault.services.report import Moment, Report, Seconds
from sqlitevault.vault import Protection, StoredObject, Vault

# How often each tier's schedule runs, and the grace before a missing one is called missing.
TIER_PERIODS = {
    Tier.HOURLY: timedelta(hours=1, minutes=30),
    Tier.DAILY: timedelta(days=1, hours=2),
    Tier.WEEKLY: timedelta(days=7, hours=6),
    Tier.MONTHLY: timedelta(days=31, hours=12),
}
# Replication beyond this age either completed or failed for good; older objects are not asked about each time.
_REPLICATION_WINDOW = timedelta(days=1)
REPORT_NAME = "reports/monitor/latest.json"


class Newest(Report):
    """A backup, how old it is, and its figures; the recovery time is that of its drill, if one passed."""

    backup_id: str
    age_seconds: Seconds
    database_bytes: int | None = None
    archive_bytes: int | None = None
    rows: int | None = None
    recovery_seconds: Seconds | None = None


class VaultState(Report):
    """What one vault holds: its newest backup, its newest proven one, and how much there is."""

    location: str
    newest: Newest | None
    proven: Newest | None
    backups: int
    total_bytes: int


class Unreplicated(Report):
    """An object whose copy is not in the replica. `status`: PENDING, FAILED, or NONE if replication never saw it."""

    name: str
    status: str
    age_seconds: Seconds


class MonitorReport(Report):
    """What the monitor saw. `problems` is for people, one sentence each; empty means all is well."""

    at: Moment
    database: str
    rpo_seconds: int
    vault: VaultState
    replica: VaultState | None
    unreplicated: tuple[Unreplicated, ...]
    missing_tiers: tuple[str, ...]
    drift: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def replication_pending_seconds(self) -> float:
        """Age of the oldest object that waits for its copy."""
        return max((left.age_seconds for left in self.unreplicated if left.status != "FAILED"), default=0.0)

    @property
    def replication_failed(self) -> int:
        """Number of objects whose copy failed."""
        return sum(left.status == "FAILED" for left in self.unreplicated)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a report as a monitor wrote it.

        Raises:
            ManifestInvalid: it is not a monitor's report.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise ManifestInvalid(
                "the monitor's report in the vault cannot be read", hint="The next run of the monitor writes a new one."
            ) from error


def monitor(
    vault: Vault,
    replica: Vault | None,
    *,
    database: str,
    rpo_seconds: int,
    expected: Protection | None,
    now: datetime,
    deployed: bool = True,
) -> MonitorReport:
    """Look at everything once. `expected` is how the vault was deployed; None leaves that check out.

    Without `deployed` nothing replicates the vault's objects one by one, and only tiers seen before can be missing.

    Raises:
        VaultUnavailable: a vault cannot be read.
    """
    backups = backups_of(vault, database)
    here = vault_state(vault, backups, now)
    there = vault_state(replica, backups_of(replica, database), now) if replica else None
    unreplicated = objects_without_copy(vault, now) if replica and deployed else ()
    missing = missing_tiers(backups, now, every_tier=deployed)
    drift = expected.differences(vault.protection()) if expected else ()
    return MonitorReport(
        at=now,
        database=database,
        rpo_seconds=rpo_seconds,
        vault=here,
        replica=there,
        unreplicated=unreplicated,
        missing_tiers=missing,
        drift=drift,
        problems=(
            *_age_problems(here, there, rpo_seconds),
            *(f"{left.name} has no copy in the replica: {left.status}" for left in unreplicated),
            *(f"no {tier} backup when one was due" for tier in missing),
            *(f"{backup.id} is in doubt: {backup.changed}" for backup in backups if backup.changed),
            *(f"the vault is not as deployed: {difference}" for difference in drift),
        ),
    )


def record(report: MonitorReport, vault: Vault) -> None:
    """Keep the report in the vault, for `readiness`, for pages and for people.

    Raises:
        VaultUnavailable: it could not be written.
    """
    vault.replace(REPORT_NAME, report.to_json())


def backups_of(vault: Vault, database: str) -> tuple[Backup, ...]:
    """Return every readable backup of one database, newest first.

    Raises:
        VaultUnavailable: the vault cannot be read.
    """
    return tuple(backup for backup in Catalog(vault).contents().backups if database_name(backup.id) == database)


def vault_state(vault: Vault, backups: tuple[Backup, ...], now: datetime) -> VaultState:
    """Return what these backups make of the vault."""
    holding = [backup for backup in backups if backup.manifest.database is not None]
    proven = [backup for backup in holding if backup.proven]
    return VaultState(
        location=vault.location,
        newest=_newest(holding, now),
        proven=_newest(proven, now),
        backups=len(backups),
        total_bytes=sum(backup.archive.bytes for backup in backups),
    )


def _newest(backups: list[Backup], now: datetime) -> Newest | None:
    if not backups:
        return None
    newest = backups[0]
    manifest, drill = newest.manifest, newest.drill
    return Newest(
        backup_id=newest.id,
        age_seconds=(now - manifest.created_at).total_seconds(),
        database_bytes=manifest.database.bytes if manifest.database else None,
        archive_bytes=newest.archive.bytes,
        rows=manifest.rows,
        recovery_seconds=drill.recovery_seconds if drill is not None and drill.passed else None,
    )


def objects_without_copy(vault: Vault, now: datetime) -> tuple[Unreplicated, ...]:
    """Return the vault's recent objects that S3 has not copied to the replica."""
    recent = [entry for entry in vault.objects() if now - entry.modified < _REPLICATION_WINDOW]
    found = ((entry, vault.replication_status(entry.name)) for entry in recent if _counts(entry))
    return tuple(
        Unreplicated(name=entry.name, status=status or "NONE", age_seconds=(now - entry.modified).total_seconds())
        for entry, status in found
        if status != "COMPLETED"
    )


def _counts(entry: StoredObject) -> bool:
    return entry.name.endswith((".tar.gz", MANIFEST_SUFFIX))


def missing_tiers(backups: tuple[Backup, ...], now: datetime, *, every_tier: bool) -> tuple[str, ...]:
    """Name tiers, of all or of those seen, whose newest backup is overdue.

    A vault younger than a tier's period cannot miss it yet.
    """
    if not backups:
        return tuple(TIER_PERIODS) if every_tier else ()
    vault_age = now - backups[-1].manifest.created_at
    newest: dict[Tier, datetime] = {}
    for backup in backups:
        newest.setdefault(backup.manifest.tier, backup.manifest.created_at)
    return tuple(
        tier
        for tier, period in TIER_PERIODS.items()
        if vault_age > period and (now - newest[tier] > period if tier in newest else every_tier)
    )


def _age_problems(here: VaultState, there: VaultState | None, rpo_seconds: int) -> tuple[str, ...]:
    return tuple(
        f"no proven backup within the RPO in {state.location}"
        for state in (here, there)
        if state is not None and (state.proven is None or state.proven.age_seconds > rpo_seconds)
    )
