"""Stage a restore: download, unpack beside the target, prove. Changes nothing that is in use."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from sqlitevault.catalog.drill_report import Check
from sqlitevault.catalog.manifest import Manifest, Scope
from sqlitevault.catalog.selection import Selected
from sqlitevault.ground.errors import BackupNotFound, IntegrityCheckFailed
from sqlitevault.ground.files import sha256_of, sync
from sqlitevault.ground.report import Moment, Report, Seconds
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps, Watcher
from sqlitevault.restore.durable import write
from sqlitevault.restore.retrieval import Retrieval, Retrieved
from sqlitevault.restore.target import Target
from sqlitevault.site import Site

DATABASE = "database.db"
CONFIG = "config"
_RECORD = "stage.json"


class StageReport(Report):
    """A restored, proven backup beside the target, ready to be promoted.

    `folder` holds it; `database_sha256` is None when no database was staged. `recovery_seconds` is the time from
    asking the vault to the proven database. `recovered_from` names the source if it was not the archive in the vault,
    `repairs` what failed before. `salvaged`: the content is not proven, and has `rows` rows.
    """

    title: ClassVar[str] = "the record of the staged backup"
    if_invalid: ClassVar[str] = "Stage it again."
    backup_id: str
    folder: str
    scope: Scope
    reason: str
    skipped: tuple[str, ...]
    staged_at: Moment
    created_at: Moment
    data_loss_seconds: Seconds
    database_sha256: str | None
    checks: tuple[Check, ...]
    steps: dict[str, Seconds]
    recovery_seconds: Seconds
    manifest: Manifest
    recovered_from: str | None = None
    repairs: tuple[str, ...] = ()
    salvaged: bool = False
    rows: int | None = None


def stage(
    site: Site, selected: Selected, *, scope: Scope, salvage: bool = False, watcher: Watcher | None = None
) -> StageReport:
    """Restore `selected` into a folder beside the target and prove it there.

    A damaged archive is replaced by an earlier version or by the replica's copy, a damaged database is rebuilt from
    its SQL dump. With `salvage`, what can be read is staged when nothing can be proven. What was staged of the same
    backup before is replaced.

    Raises:
        TargetUnwritable: the target's folder cannot be written.
        ScratchFull: there is not enough room in scratch or beside the target.
        ChecksumMismatch, ArchiveUnsafe, ManifestInvalid, IntegrityCheckFailed: the backup is damaged.
        VaultUnavailable: the vault cannot be reached.
    """
    target, steps, now = Target.of(site), Steps(watcher), site.now()
    target.require_writable()
    with scratch_directory(site.settings.scratch) as downloads, scratch_directory(target.directory) as beside:
        found = Retrieval(selected, scope, downloads, beside, steps, site.replica, salvage).run()
        report = _described(found, target, scope=scope, steps=steps, now=now)
        write(found.folder / _RECORD, report.to_json())
        staged = target.staged(report.backup_id)
        if staged.exists():
            shutil.rmtree(staged)
        found.folder.rename(staged)
        sync(staged.parent)
    return report


def _described(found: Retrieved, target: Target, *, scope: Scope, steps: Steps, now: datetime) -> StageReport:
    """Give the database its staged name, and return the record of the stage."""
    manifest, salvaged = found.manifest, found.salvaged
    database = found.database
    if database is not None:
        database = database.rename(found.folder / DATABASE)
        sync(database)
    return StageReport(
        backup_id=manifest.backup_id,
        folder=str(target.staged(manifest.backup_id)),
        scope=scope,
        reason=found.selected.reason,
        skipped=found.selected.skipped,
        staged_at=now,
        created_at=manifest.created_at,
        data_loss_seconds=(now - manifest.created_at).total_seconds(),
        database_sha256=sha256_of(database) if database else None,
        checks=found.checks,
        steps=steps.seconds,
        recovery_seconds=steps.total_seconds,
        manifest=manifest,
        recovered_from=found.recovered_from,
        repairs=found.repairs,
        salvaged=salvaged is not None and bool(salvaged.differences),
        rows=salvaged.rows if salvaged else None,
    )


def read_stage(target: Target, backup_id: str) -> StageReport:
    """Return the record of a staged backup.

    Raises:
        BackupNotFound: nothing is staged under this id.
        ManifestInvalid: its record was damaged.
    """
    try:
        content = (target.staged(backup_id) / _RECORD).read_bytes()
    except FileNotFoundError as error:
        raise BackupNotFound(
            f"{backup_id} is not staged beside {target.database}", hint="Stage it first, then promote it."
        ) from error
    return StageReport.from_json(content)


def discard_stage(folder: Path) -> None:
    """Delete a staged backup, its record last: if killed before that, promote can be run again."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _RECORD:
            path.unlink()
    (folder / _RECORD).unlink()
    folder.rmdir()


def require_unchanged(report: StageReport, database: Path) -> None:
    """Check that the staged database has not changed since it was proven.

    Raises:
        IntegrityCheckFailed: it has.
    """
    if sha256_of(database) != report.database_sha256:
        raise IntegrityCheckFailed(
            f"the staged {report.backup_id} was changed after it was proven", hint="Stage it again."
        )
