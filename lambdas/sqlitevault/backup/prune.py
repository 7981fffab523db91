"""Remove what the retention lets go from a directory vault, and what killed backups left there."""

from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from sqlitevault.archive.unpacking import read_manifest
from sqlitevault.backup.retention import Candidate, expired
from sqlitevault.catalog.catalog import Backup, Catalog, Uncommitted
from sqlitevault.catalog.manifest import Tool
from sqlitevault.catalog.names import created_at, drill_report_names, manifest_name
from sqlitevault.ground.errors import SqliteVaultError
from sqlitevault.ground.report import Report
from sqlitevault.vault.protocol import Vault

# Longer than any backup takes: what is older and has no manifest was left by a killed one.
_UNFINISHED_AFTER = timedelta(hours=1)


class PruneReport(Report):
    """Backups that were removed, and unfinished archives that were cleared."""

    removed: tuple[str, ...]
    unfinished: tuple[str, ...]


def prune(vault: Vault, *, retain_days: int, now: datetime) -> PruneReport:
    """Remove backups older than `retain_days`, never a schedule's newest good one, and leftovers of killed backups.

    For vaults without lifecycle rules. An archive goes after its manifest, so that a kill in between leaves no
    backup without its archive. Archives by the original shell script have no manifest and are never removed.

    Raises:
        VaultUnavailable: the vault cannot be read or written.
    """
    vault.sweep(_UNFINISHED_AFTER.total_seconds())
    contents = Catalog(vault).contents()
    by_name = {backup.archive.name: backup for backup in contents.backups}
    gone = expired((_candidate(backup) for backup in contents.backups), retain_days=retain_days, now=now)
    for candidate in gone:
        _remove(vault, by_name[candidate.name])
    unfinished = [left for left in contents.uncommitted if _is_left_over(vault, left, now)]
    for left in unfinished:
        vault.delete(left.archive.name)
    return PruneReport(
        removed=tuple(by_name[candidate.name].id for candidate in gone),
        unfinished=tuple(left.archive.name for left in unfinished),
    )


def _candidate(backup: Backup) -> Candidate:
    good = backup.doubt is None and backup.manifest.database is not None
    manifest = backup.manifest
    return Candidate(backup.archive.name, manifest.source.name, manifest.created_at, good, manifest.tier)


def _remove(vault: Vault, backup: Backup) -> None:
    vault.delete(manifest_name(backup.archive.name))
    vault.delete(backup.archive.name)
    for name in drill_report_names(backup.id):
        vault.delete(name)


def _is_left_over(vault: Vault, left: Uncommitted, now: datetime) -> bool:
    return now - created_at(left.id) > _UNFINISHED_AFTER and _is_ours(vault, left)


def _is_ours(vault: Vault, left: Uncommitted) -> bool:
    with TemporaryDirectory() as scratch:
        copy = PurePosixPath(left.archive.name).name
        try:
            vault.download(left.archive.name, target := Path(scratch) / copy)
            return read_manifest(target).tool.name == Tool(version="").name
        except SqliteVaultError:
            return False  # what cannot be read is left for a person to look at
