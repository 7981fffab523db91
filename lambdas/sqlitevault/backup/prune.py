"""Delete expired backups from a directory vault, and what killed backups left there."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from sqlitevault.archive.unpacking import read_manifest
from sqlitevault.catalog.catalog import Backup, Catalog
from sqlitevault.catalog.manifest import Tool
from sqlitevault.catalog.names import backup_report_name, created_at, drill_report_names, id_in, manifest_name
from sqlitevault.ground.errors import SqliteVaultError
from sqlitevault.ground.facts import Tier
from sqlitevault.ground.report import Report
from sqlitevault.site import Site
from sqlitevault.vault.protocol import StoredObject, Vault

# Longer than any backup takes: what is older and has no manifest was left by a killed one.
_UNFINISHED_AFTER = timedelta(hours=1)


class PruneReport(Report):
    """Backups that were removed, and unfinished archives that were cleared."""

    removed: tuple[str, ...]
    unfinished: tuple[str, ...]


def prune(site: Site) -> PruneReport:
    """Delete backups older than BACKUP_RETAIN days, and leftovers of killed backups.

    The newest good backup, and the newest good one of each schedule, are always kept. This is for vaults without
    lifecycle rules. An archive is deleted after its manifest, so that a kill in between leaves no backup without an
    archive. Archives by the original shell script have no manifest and are never deleted.

    Raises:
        VaultUnavailable: the vault cannot be read or written.
    """
    vault, now = site.vault, site.now()
    vault.sweep(_UNFINISHED_AFTER.total_seconds())
    contents = Catalog(vault).contents()
    gone = expired(contents.backups, retain_days=site.settings.retain_days, now=now)
    for backup in gone:
        archive = backup.archive.name
        for name in (manifest_name(archive), archive, backup_report_name(backup.id), *drill_report_names(backup.id)):
            vault.delete(name)
    old = (left for left in contents.uncommitted if now - created_at(id_in(left.name)) > _UNFINISHED_AFTER)
    unfinished = [left for left in old if _is_ours(vault, left)]
    for left in unfinished:
        vault.delete(left.name)
    return PruneReport(removed=tuple(backup.id for backup in gone), unfinished=tuple(left.name for left in unfinished))


def expired(backups: Iterable[Backup], *, retain_days: int, now: datetime) -> tuple[Backup, ...]:
    """Return the backups older than `retain_days`, oldest first, except a database's newest good one.

    The newest good one of each schedule is kept too: without it, nothing would show that the schedule has stopped.
    """
    oldest_first = sorted(backups, key=lambda backup: backup.manifest.created_at)
    good = [(backup.archive.name, backup.manifest) for backup in oldest_first if backup.good]
    newest = {manifest.source.name: name for name, manifest in good}
    of_schedules = {(made.source.name, made.tier): name for name, made in good if made.tier is not Tier.MANUAL}
    kept, limit = {*newest.values(), *of_schedules.values()}, now - timedelta(days=retain_days)
    return tuple(one for one in oldest_first if one.manifest.created_at < limit and one.archive.name not in kept)


def _is_ours(vault: Vault, left: StoredObject) -> bool:
    with TemporaryDirectory() as scratch:
        copy = Path(scratch) / PurePosixPath(left.name).name
        try:
            vault.download(left.name, copy)
            return read_manifest(copy).tool.name == Tool(version="").name
        except SqliteVaultError:
            return False  # unreadable: a person should decide
