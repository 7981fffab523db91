"""Promote a staged restore, or undo it: at every instant the target is the old state or the new one, whole.

A `-wal` or `-journal` beside the database belongs to the database: moved away first it would leave the old database
torn, left in place it would be replayed onto the new one (file format, sections 3 and 4). So a database with live
side files is first replaced by its own recovered copy. Replaying the side files onto that copy changes nothing, and
removing them loses nothing; only then does the staged file take the place.
"""

import csv
import errno
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlitevault.database.application_tables import is_active
from sqlitevault.ground.errors import BackupNotFound, SourceBusy, SourceCorrupt, SourceUnsupported
from sqlitevault.ground.files import sync
from sqlitevault.ground.profile import KeyTable, Profile
from sqlitevault.ground.quantities import format_time
from sqlitevault.ground.report import Moment, Report, Seconds
from sqlitevault.restore import durable
from sqlitevault.restore.config_files import ConfigReport, restore_config
from sqlitevault.restore.stage import CONFIG, DATABASE, StageReport, discard_stage, read_stage, require_unchanged
from sqlitevault.restore.target import Target, kept_path, require_unused
from sqlitevault.site import Site
from sqlitevault.snapshot import take_snapshot
from sqlitevault.snapshot.fresh import SIDE_FILES, beside

_KEYS_NAMED = 10
# The file system has none, or the kernel grants none on files of others (protected_hardlinks).
_NO_HARD_LINKS = {
    errno.EPERM, errno.EACCES, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS,
}  # fmt: skip

OnStep = Callable[[str], None]


class PromoteReport(Report):
    """The result of a promote. `kept` is the place of the previous database; None if there was none.

    `key_metadata` lists the API keys in the backup, as CSV lines without hashes. `salvaged`: nothing proves that the
    content is what was backed up.
    """

    backup_id: str
    database: str | None
    kept: str | None
    promoted_at: Moment
    created_at: Moment
    data_loss_seconds: Seconds
    rows: int
    forced_past: tuple[str, ...]
    config: ConfigReport | None
    key_metadata: tuple[str, ...]
    next_steps: tuple[str, ...]
    salvaged: bool = False


def _no_hook(_step: str) -> None:
    """Do nothing: only tests act between the steps."""


def promote(site: Site, backup_id: str, *, force: bool = False, on_step: OnStep = _no_hook) -> PromoteReport:
    """Swap the staged backup in. Killed at any point and run again, it finishes.

    Raises:
        BackupNotFound: nothing is staged under this id.
        IntegrityCheckFailed: the staged file is not the one that was proven.
        TargetInUse: the database is open elsewhere and `force` is not set.
    """
    target, now = Target.of(site), site.now()
    staged, folder = read_stage(target, backup_id), target.staged(backup_id)
    users: tuple[str, ...] = ()
    kept = None
    has_database = staged.database_sha256 is not None
    if has_database:
        users = require_unused(target.database, force=force)
        if (folder / DATABASE).exists():
            require_unchanged(staged, folder / DATABASE)
            users = require_unused(target.database, force=force)  # again: comparing takes seconds
            kept = swap_in(target, folder / DATABASE, now=now, on_step=on_step)
    config = restore_config(site, folder / CONFIG) if (folder / CONFIG).is_dir() else None
    on_step("configuration restored")
    keys = _keys(site.profile, folder)
    discard_stage(folder)
    return PromoteReport(
        backup_id=staged.backup_id,
        database=str(target.database) if has_database else None,
        kept=str(kept) if kept else None,
        promoted_at=now,
        created_at=staged.created_at,
        data_loss_seconds=(now - staged.created_at).total_seconds(),
        rows=_rows(staged),
        salvaged=staged.salvaged,
        forced_past=users,
        config=config,
        key_metadata=keys,
        next_steps=_next_steps(site.profile, staged, keys, config),
    )


def _keys(profile: Profile, folder: Path) -> tuple[str, ...]:
    listed = folder / profile.keys.member if profile.keys else None
    return tuple(listed.read_text().splitlines()) if listed and listed.exists() else ()


def swap_in(target: Target, replacement: Path, *, now: datetime, on_step: OnStep = _no_hook) -> Path | None:
    """Put `replacement` (same file system) in the database's place; return where the previous one is kept."""
    live = target.database
    kept = None
    if live.exists():
        kept = kept_path(live, now)
        _keep(live, kept, on_step)
        durable.like(live, replacement)
    for leftover in _present(live, SIDE_FILES):
        leftover.unlink()
        on_step(f"{leftover.name} removed")
    sync(live.parent)
    on_step("side files removed")
    sync(replacement)
    durable.move(replacement, live)
    on_step("swapped")
    return kept


def _present(database: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [path for path in (beside(database, suffix) for suffix in suffixes) if path.exists()]


def _keep(live: Path, kept: Path, on_step: OnStep) -> None:
    if not any(path.stat().st_size for path in _present(live, ("-wal", "-journal"))):
        _link_or_copy(live, kept)
        on_step("kept")
        return
    try:
        recovered = kept.with_name(kept.name + ".unfinished")
        recovered.unlink(missing_ok=True)
        take_snapshot(live, recovered)
    except (SourceCorrupt, SourceUnsupported, SourceBusy):
        _keep_as_found(live, kept, on_step)
        return
    durable.like(live, recovered)
    on_step("recovered")
    durable.copy(recovered, kept)
    on_step("kept")
    durable.move(recovered, live)
    on_step("live recovered")


def _link_or_copy(live: Path, kept: Path) -> None:
    try:
        kept.hardlink_to(live)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        durable.copy(live, kept)
    sync(kept.parent)


def _keep_as_found(live: Path, kept: Path, on_step: OnStep) -> None:
    """Keep a database that cannot be recovered, with its side files, for salvage."""
    for path in _present(live, SIDE_FILES):
        durable.copy(path, kept.with_name(kept.name + path.name.removeprefix(live.name)))
    _link_or_copy(live, kept)
    on_step("kept as found")


def _rows(staged: StageReport) -> int:
    if staged.database_sha256 is None:
        return 0
    return staged.manifest.rows if staged.rows is None else staged.rows


def _next_steps(
    profile: Profile, staged: StageReport, keys: tuple[str, ...], config: ConfigReport | None
) -> tuple[str, ...]:
    steps = []
    if staged.salvaged:
        steps.append(
            "This database was SALVAGED: rows are missing, and nothing proves the others. Check it before you trust it."
        )
    if staged.database_sha256 is not None:
        lost = format_time(staged.created_at)
        steps.append(f"Data written after {lost} is not in this database: tell its users.")
        steps.append(f"Start the application and {profile.after_restore}.")
    if profile.keys and len(keys) > 1:
        steps.append(_about_keys(keys, profile.keys))
    if config is not None and config.missing_variables:
        steps.append(f"Set in .env, which is never restored: {', '.join(config.missing_variables)}.")
    if config is not None and config.beside:
        steps.append("Merge the files with redacted secrets by hand: " + ", ".join(config.beside))
    steps.append("Take a fresh backup now: sqlitevault backup (restore --backup-after does it)")
    return tuple(steps)


def _about_keys(lines: tuple[str, ...], table: KeyTable) -> str:
    keys = list(csv.DictReader(lines))
    active = [key[table.label] or key[table.columns[0]] for key in keys if is_active(key, table)]
    named = f" ({', '.join(active[:_KEYS_NAMED])}{', …' if len(active) > _KEYS_NAMED else ''})" if active else ""
    noun = "key" if len(keys) == 1 else "keys"
    return (
        f"{len(keys)} API {noun} existed at that time, {len(active)} of them active{named}: these work again. Keys "
        "made since then are gone. No backup holds the keys themselves, so a lost key cannot be recovered: make a new "
        "one in the application and revoke the old one."
    )


class UndoReport(Report):
    """The kept database that is live again, and where the one it replaced is kept."""

    restored: str
    kept: str | None
    undone_at: Moment


def undo(site: Site, *, force: bool = False) -> UndoReport:
    """Make the newest `<database>.pre_restore_<time>` live again; that file stays.

    Raises:
        BackupNotFound: nothing was kept.
        TargetInUse: the database is open elsewhere and `force` is not set.
    """
    target, now = Target.of(site), site.now()
    previous = newest_kept(target.database)
    require_unused(target.database, force=force)
    replacement = target.database.with_name(f".{target.database.name}.undo")
    durable.copy(previous, replacement)
    kept = swap_in(target, replacement, now=now)
    return UndoReport(restored=str(previous), kept=str(kept) if kept else None, undone_at=now)


def newest_kept(database: Path) -> Path:
    """Return the database that the last promote kept.

    Raises:
        BackupNotFound: there is none.
    """
    found = database.parent.glob(f"{database.name}.pre_restore_*")
    kept = [path for path in found if not path.name.endswith((*SIDE_FILES, ".unfinished"))]
    if not kept:
        raise BackupNotFound(
            f"no {database.name}.pre_restore_* beside {database}",
            hint="Nothing was replaced here; restore a backup instead.",
        )
    return max(kept, key=lambda path: path.name)
