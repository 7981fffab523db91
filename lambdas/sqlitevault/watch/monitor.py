"""The monitor: measures vault and replica, and lists problems."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from sqlitevault.catalog.catalog import Backup, Catalog
from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.catalog.names import database_name
from sqlitevault.ground import facts
from sqlitevault.ground.errors import BackupNotFound
from sqlitevault.ground.quantities import is_ahead
from sqlitevault.ground.report import Moment, Report, Seconds
from sqlitevault.site import Site
from sqlitevault.vault.protocol import StoredObject, Vault
from sqlitevault.watch.changes import Changes, changes


class Newest(Report):
    """A backup's age and figures; `recovery_seconds` is None unless its drill passed."""

    backup_id: str
    age_seconds: Seconds
    database_bytes: int | None = None
    archive_bytes: int | None = None
    rows: int | None = None
    recovery_seconds: Seconds | None = None


class VaultState(Report):
    """The content of one vault: newest backup, newest proven backup, totals."""

    location: str
    newest: Newest | None
    proven: Newest | None
    backups: int
    total_bytes: int


class Unreplicated(Report):
    """An object that is not in the replica. `status`: PENDING, FAILED, or NONE if S3 never tried to replicate it."""

    name: str
    status: str
    age_seconds: Seconds

    @property
    def on_its_way(self) -> bool:
        """Whether the copy is not late yet, as for some seconds after every backup."""
        return self.status == "PENDING" and self.age_seconds < facts.REPLICATION_PROMISE.total_seconds()


class MonitorReport(Report):
    """One run of the monitor. `problems` has a sentence for each; empty means that everything is in order.

    `replica_drill_age_seconds`: time since a drill from the replica passed or, if none did, since the replica's oldest
    backup was taken. None if there is nothing to drill.
    """

    title: ClassVar[str] = "the monitor's report in the vault"
    if_invalid: ClassVar[str] = "The next run of the monitor writes a new one."
    at: Moment
    database: str
    rpo_seconds: int
    vault: VaultState
    replica: VaultState | None
    unreplicated: tuple[Unreplicated, ...]
    missing_tiers: tuple[str, ...]
    drift: tuple[str, ...]
    changes: Changes | None = None
    replica_drill_age_seconds: Seconds | None = None
    problems: tuple[str, ...]

    @property
    def replication_pending_seconds(self) -> float:
        """Age of the oldest object that still waits for its copy."""
        return max((left.age_seconds for left in self.unreplicated if left.status != "FAILED"), default=0.0)

    @property
    def replication_failed(self) -> int:
        """Number of objects whose copy failed."""
        return sum(left.status == "FAILED" for left in self.unreplicated)


def monitor(site: Site) -> MonitorReport:
    """Measure the vault and its replica once.

    Raises:
        VaultUnavailable: a vault cannot be read.
    """
    vault, replica, now = site.vault, site.replica, site.now()
    settings, expected = site.settings, site.expected_protection
    backups = backups_of(vault, site.database_name)
    copies = backups_of(replica, site.database_name) if replica else ()
    manifests = [backup.manifest for backup in _of_database(backups, now)]
    report = MonitorReport(
        at=now,
        database=site.database_name,
        rpo_seconds=settings.rpo_seconds,
        vault=_vault_state(vault, backups, now),
        replica=_vault_state(replica, copies, now) if replica else None,
        unreplicated=objects_without_copy(vault, replica, now) if replica else (),
        missing_tiers=missing_tiers(backups, now, every_tier=vault.capabilities.deployed),
        drift=expected.differences(vault.protection()) if expected else (),
        changes=changes(manifests[0], manifests, settings.mass_deletion_rows) if manifests else None,
        replica_drill_age_seconds=_replica_drill_age(replica, copies, now) if replica else None,
        problems=(),
    )
    return report.model_copy(update={"problems": _problems(report, backups, settings.mass_deletion_percent)})


def backups_of(vault: Vault, database: str) -> tuple[Backup, ...]:
    """Return every readable backup of one database, newest first.

    Raises:
        VaultUnavailable: the vault cannot be read.
    """
    return tuple(backup for backup in Catalog(vault).contents().backups if database_name(backup.id) == database)


def _ahead(backup: Backup, now: datetime) -> bool:
    return is_ahead(backup.manifest.created_at, now)


def _of_database(backups: Iterable[Backup], now: datetime) -> list[Backup]:
    """Return the backups that hold the database, without those dated in the future."""
    return [backup for backup in backups if backup.manifest.database is not None and not _ahead(backup, now)]


def _vault_state(vault: Vault, backups: tuple[Backup, ...], now: datetime) -> VaultState:
    usable = _of_database(backups, now)
    return VaultState(
        location=vault.location,
        newest=_newest(usable, now),
        proven=_newest([backup for backup in usable if backup.proven], now),
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


def replica_drills(replica: Vault, copies: Iterable[Backup]) -> list[DrillReport]:
    """Return the drills that passed and read only the replica."""
    return [copy.drill for copy in copies if copy.proven and copy.drill and copy.drill.held_in(replica.location)]


def _replica_drill_age(replica: Vault, copies: tuple[Backup, ...], now: datetime) -> float | None:
    drilled = [drill.drilled_at for drill in replica_drills(replica, copies) if not is_ahead(drill.drilled_at, now)]
    since = max(drilled, default=min((copy.manifest.created_at for copy in copies), default=None))
    return (now - since).total_seconds() if since else None


def objects_without_copy(vault: Vault, replica: Vault, now: datetime) -> tuple[Unreplicated, ...]:
    """Return the vault's objects that are not in the replica and that S3 has not copied.

    Only the status of missing objects is requested: a copy made by other means counts, and S3's own copy may have
    expired in the replica a little earlier than in the vault. Empty for a vault that does not replicate.
    """
    if not vault.capabilities.replicates:
        return ()
    ours = [entry for entry in vault.objects() if entry.name.endswith((facts.ARCHIVE_SUFFIX, facts.MANIFEST_SUFFIX))]
    there = {(entry.name, entry.bytes) for entry in replica.objects()}
    found = ((entry, _status(vault, entry)) for entry in ours if (entry.name, entry.bytes) not in there)
    return tuple(
        Unreplicated(name=entry.name, status=status, age_seconds=(now - entry.modified).total_seconds())
        for entry, status in found
        if status is not None
    )


def _status(vault: Vault, entry: StoredObject) -> str | None:
    """Return a missing object's replication status; None if S3 made a copy or the object is gone meanwhile."""
    try:
        status = vault.replication_status(entry.name) or "NONE"
    except BackupNotFound:
        return None
    return status if status != "COMPLETED" else None


def missing_tiers(backups: tuple[Backup, ...], now: datetime, *, every_tier: bool) -> tuple[str, ...]:
    """Return the overdue tiers, among all if `every_tier`, else among those that have a backup.

    Only backups of the database that a restore would choose count. A tier cannot be overdue in a vault that is younger
    than the tier's period.
    """
    if not backups:
        return tuple(facts.TIER_OVERDUE_AFTER) if every_tier else ()
    vault_age = now - backups[-1].manifest.created_at
    usable = _of_database(backups, now)
    expected = set(facts.TIER_OVERDUE_AFTER) if every_tier else {backup.manifest.tier for backup in usable}
    newest: dict[facts.Tier, datetime] = {}
    for backup in usable:
        if backup.doubt is None:
            newest.setdefault(backup.manifest.tier, backup.manifest.created_at)
    return tuple(
        tier
        for tier, period in facts.TIER_OVERDUE_AFTER.items()
        if vault_age > period and tier in expected and (tier not in newest or now - newest[tier] > period)
    )


def _problems(report: MonitorReport, backups: tuple[Backup, ...], loss_percent: float) -> tuple[str, ...]:
    lost = report.changes.loss_beyond(loss_percent) if report.changes else None
    late = (report.replica_drill_age_seconds or 0.0) > facts.REPLICA_DRILL_OVERDUE_AFTER.total_seconds()
    states = (state for state in (report.vault, report.replica) if state is not None)
    left = (entry for entry in report.unreplicated if not entry.on_its_way)
    return (
        *(
            f"no proven backup within the RPO in {state.location}"
            for state in states
            if state.proven is None or state.proven.age_seconds > report.rpo_seconds
        ),
        *(f"{backup.id} is dated in the future and does not count" for backup in backups if _ahead(backup, report.at)),
        *(f"{entry.name} has no copy in the replica: {entry.status}" for entry in left),
        *(f"the {tier} backup is overdue" for tier in report.missing_tiers),
        *(f"{backup.id} is in doubt: {backup.changed}" for backup in backups if backup.changed),
        *(f"the vault differs from its deployment: {difference}" for difference in report.drift),
        *([lost] if lost else ()),
        *(["no drill from the replica has passed for more than a month"] if late else ()),
    )
