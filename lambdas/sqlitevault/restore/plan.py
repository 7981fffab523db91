"""Plan a restore: the backup, the changes and the losses. Changes nothing."""

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sqlitevault.catalog.manifest import Manifest, Scope
from sqlitevault.catalog.selection import Selected
from sqlitevault.database.content import read_tables
from sqlitevault.ground.errors import SqliteVaultError
from sqlitevault.ground.report import Moment, Report, Seconds
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps, Watcher
from sqlitevault.proof.drill import DAMAGE
from sqlitevault.restore.config_files import FileChange, plan_config, variables_missing
from sqlitevault.restore.retrieval import Retrieval
from sqlitevault.restore.target import Target, occupants
from sqlitevault.site import Site
from sqlitevault.snapshot import SnapshotOptions, take_snapshot

# Beside the target: the staged database, and a recovered copy of the present one if a crash left a journal.
_ROOM_PER_BYTE = 2
# In an emergency nobody should wait minutes for row counts.
PATIENCE_SECONDS = 15.0


class TableChange(Report):
    """Rows of a table now and after the restore; None where it does not exist or could not be counted."""

    name: str
    rows_now: int | None
    rows_after: int | None
    same_content: bool


class RestorePlan(Report):
    """The result of a restore before it is done."""

    backup_id: str
    archive: str
    vault: str
    reason: str
    skipped: tuple[str, ...]
    scope: Scope
    created_at: Moment
    data_loss_seconds: Seconds
    target: str
    target_exists: bool
    in_use_by: tuple[str, ...]
    database_bytes: int
    free_bytes: int
    enough_room: bool
    tables: tuple[TableChange, ...]
    live_problem: str | None
    files: tuple[FileChange, ...]
    missing_variables: tuple[str, ...]
    repairs: tuple[str, ...] = ()


def plan(site: Site, selected: Selected, *, scope: Scope, watcher: Watcher | None = None) -> RestorePlan:
    """Return what restoring `selected` would change; counts a locked live database for PATIENCE_SECONDS at most.

    Raises:
        VaultUnavailable: the vault cannot be reached.
        ChecksumMismatch, ArchiveUnsafe, ManifestInvalid: the backup is damaged.
        ScratchFull: there is no room to look into the archive.
    """
    target, steps = Target.of(site), Steps(watcher)
    with scratch_directory(site.settings.scratch) as work:
        search = Retrieval(selected, Scope.CONFIG, work, work, steps, site.replica)
        manifest, config = _look_inside(search, scope)
        database = None if scope is Scope.CONFIG else manifest.database
        tables, problem = _compare(site, manifest, work / "live.db", steps) if database else ((), None)
        files = plan_config(site, config) if config is not None else ()
        missing = variables_missing(site, config) if config is not None else ()
    size, free = database.bytes if database else 0, _free(target.directory)
    return RestorePlan(
        backup_id=manifest.backup_id,
        archive=selected.archive.name,
        vault=selected.vault.location,
        reason=selected.reason,
        skipped=selected.skipped,
        scope=scope,
        created_at=manifest.created_at,
        data_loss_seconds=(site.now() - manifest.created_at).total_seconds(),
        target=str(target.database),
        target_exists=target.database.exists(),
        in_use_by=() if scope is Scope.CONFIG else occupants(target.database),
        database_bytes=size,
        free_bytes=free,
        enough_room=free >= _ROOM_PER_BYTE * size,
        tables=tables,
        live_problem=problem,
        files=files,
        missing_variables=missing,
        repairs=tuple(search.repairs),
    )


def _look_inside(search: Retrieval, scope: Scope) -> tuple[Manifest, Path | None]:
    """Return the manifest and the unpacked configuration; downloads only when it must."""
    known = search.selected.manifest
    if known is not None and scope is Scope.DATABASE and search.selected.changed is None:
        return known, None
    try:
        found = search.run()
    except DAMAGE:
        if known is None or scope is Scope.CONFIG:
            raise
        return known, None  # what was tried is in the repairs; stage decides what can be done
    config = found.folder / "config"
    return found.manifest, config if scope is not Scope.DATABASE and config.is_dir() else None


def _compare(site: Site, manifest: Manifest, copy: Path, steps: Steps) -> tuple[tuple[TableChange, ...], str | None]:
    """Return how tables of the live database would change, and why they could not be counted."""
    problem, now = None, {}
    if site.settings.database_path.exists():
        try:
            with steps.step("count the live database"):
                take_snapshot(site.settings.database_path, copy, impatient(site))
                now = {table.name: table for table in read_tables(copy)}
        except SqliteVaultError as error:
            problem = str(error)
    then = {table.name: table for table in manifest.tables}
    changed = tuple(
        TableChange(
            name=name,
            rows_now=now[name].rows if name in now else None,
            rows_after=then[name].rows if name in then else None,
            same_content=name in now and name in then and now[name].digest == then[name].digest,
        )
        for name in dict.fromkeys([*then, *now])
    )
    return changed, problem


def impatient(site: Site) -> SnapshotOptions:
    """Return the limits of a snapshot that only serves a comparison."""
    options = SnapshotOptions.of(site.settings)
    return replace(options, timeout_seconds=min(PATIENCE_SECONDS, options.timeout_seconds))


def _free(directory: Path) -> int:
    existing = next(parent for parent in (directory.absolute(), *directory.absolute().parents) if parent.exists())
    with suppress(OSError):
        return shutil.disk_usage(existing).free
    return 0
