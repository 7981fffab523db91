"""Recent history: backups, drills and the replica's lag, read from the vault."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise, takewhile

from sqlitevault.catalog.catalog import Backup, read_again
from sqlitevault.ground.errors import BackupNotFound, ManifestInvalid
from sqlitevault.ground.facts import MONITOR_REPORT
from sqlitevault.ground.report import Moment, Report, Seconds
from sqlitevault.site import Site
from sqlitevault.vault.protocol import StoredObject, Vault
from sqlitevault.watch.monitor import MonitorReport, backups_of

DAYS = 7  # by default
_READERS = 16
# Enough for a chart. A week has four times as many, and each costs a request.
_MOST_REPORTS = 170


class BackupPoint(Report):
    """One backup of the database. `recovery_seconds` is that of its drill, passed or not."""

    backup_id: str
    created_at: Moment
    tier: str
    database_bytes: int
    archive_bytes: int
    rows: int
    writer_stall_seconds: Seconds
    proven: bool
    drilled_at: Moment | None
    recovery_seconds: Seconds | None
    failures: tuple[str, ...] = ()


class Measured(Report):
    """A number of seconds at one time."""

    at: Moment
    seconds: Seconds


class History(Report):
    """Everything since `since`, oldest first.

    `gaps`: the age of the newest proven backup each time the next one replaced it, and now. `replica_lag`: the time
    between the newest backups of vault and replica, each time the monitor ran.
    """

    at: Moment
    since: Moment
    database: str
    vault: str
    rpo_seconds: int
    rto_seconds: int
    backups: tuple[BackupPoint, ...]
    gaps: tuple[Measured, ...]
    replica_lag: tuple[Measured, ...]


def history(site: Site, days: int = DAYS) -> History:
    """Read the vault's backups, their drills, and as many monitor reports as a chart can show.

    Raises:
        VaultUnavailable: the vault cannot be read.
    """
    now = site.now()
    since = now - timedelta(days=days)
    backups = reversed(backups_of(site.vault, site.database_name))
    points = [_point(backup) for backup in backups if backup.manifest.database is not None]
    proven = [point.created_at for point in points if point.proven]
    gaps = (Measured(at=end, seconds=(end - start).total_seconds()) for start, end in pairwise([*proven, now]))
    return History(
        at=now,
        since=since,
        database=site.database_name,
        vault=site.vault.location,
        rpo_seconds=site.settings.rpo_seconds,
        rto_seconds=site.settings.rto_seconds,
        backups=tuple(point for point in points if point.created_at >= since),
        gaps=tuple(gap for gap in gaps if gap.at >= since),
        replica_lag=_replica_lag(site.vault, since),
    )


def _point(backup: Backup) -> BackupPoint:
    manifest, drill = backup.manifest, backup.drill
    return BackupPoint(
        backup_id=backup.id,
        created_at=manifest.created_at,
        tier=manifest.tier,
        database_bytes=manifest.database.bytes if manifest.database else 0,
        archive_bytes=backup.archive.bytes,
        rows=manifest.rows,
        writer_stall_seconds=manifest.snapshot.writer_stall_seconds if manifest.snapshot else 0.0,
        proven=backup.proven,
        drilled_at=drill.drilled_at if drill else None,
        recovery_seconds=drill.recovery_seconds if drill else None,
        failures=drill.failures if drill else (),
    )


def _replica_lag(vault: Vault, since: datetime) -> tuple[Measured, ...]:
    kept = list(takewhile(lambda entry: entry.modified >= since, vault.versions(MONITOR_REPORT)))
    step = -(-len(kept) // _MOST_REPORTS) or 1
    with ThreadPoolExecutor(_READERS) as pool:
        found = [lag for lag in pool.map(partial(_lag, vault), kept[::step]) if lag is not None]
    return tuple(sorted(found, key=lambda lag: lag.at))


def _lag(vault: Vault, entry: StoredObject) -> Measured | None:
    try:
        report = read_again(vault, entry, MonitorReport.from_json)
    except (ManifestInvalid, BackupNotFound):
        return None  # expired meanwhile, or written by another version
    here, there = report.vault.newest, report.replica.newest if report.replica else None
    if here is None or there is None:
        return None
    return Measured(at=report.at, seconds=max(0.0, there.age_seconds - here.age_seconds))
