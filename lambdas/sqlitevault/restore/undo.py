"""Put back the database that the last promote kept."""

from pathlib import Path

from sqlitevault.ground.errors import BackupNotFound
from sqlitevault.ground.report import Moment, Report
from sqlitevault.restore import durable
from sqlitevault.restore.occupants import require_unused
from sqlitevault.restore.promote import swap_in
from sqlitevault.restore.target import SIDE_FILES, Target
from sqlitevault.site import Site


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
