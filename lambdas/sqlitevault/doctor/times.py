"""Whether a write shows in the file's times, on which copies without a lock rely."""

from dataclasses import dataclass
from pathlib import Path

from sqlitevault.doctor.report import Finding, ok, problem, warning
from sqlitevault.snapshot.fresh import Fingerprint, Vanished, View, beside, look

_NAME = "file times"
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """The database and its log, as they were at one moment."""

    database: View
    log: View | None


def look_at_times(source: Path) -> Seen:
    """Return how the files are now, as the server says."""
    try:
        log = look(beside(source, "-wal"))
    except (Vanished, PermissionError):
        log = None
    return Seen(look(source), log)


def judge_times(before: Seen, after: Seen, seconds: float) -> Finding:
    """Compare two looks."""
    if _whole_seconds(after):
        return problem(
            _NAME,
            "all times are whole seconds: two writes within one second could not be told apart",
            hint="Move the database to a file system with finer times, such as NFS 4, EFS, ext4 or xfs.",
        )
    pairs = [(before.database, after.database), (before.log, after.log)]
    same = [(old, new) for old, new in pairs if old and new and _same_file(old, new)]
    written = [(old.fingerprint, new.fingerprint) for old, new in same if _content_differs(old, new)]
    if any(old.modified == new.modified and old.changed == new.changed for old, new in written):
        return problem(
            _NAME,
            "the database was written, and neither modification nor change time moved",
            hint="Copies without a lock cannot be trusted there: see how the file system is mounted on both hosts.",
        )
    if any(old.modified == new.modified for old, new in written):
        return warning(
            _NAME,
            "the database was written, and its modification time did not move; its change time did",
            hint="Something sets the time back. Backups compare both times, so this one is enough.",
        )
    if all(old.fingerprint.modified == new.fingerprint.modified for old, new in same):
        hint = "Run it again while the application writes."
        if after.log is not None:
            hint += " Over NFS, commits with synchronous=NORMAL arrive up to about 35 s late; with FULL at once."
        return ok(_NAME, f"not observed: no write reached this host within {seconds:.1f} s", hint)
    return ok(_NAME, f"observed: they moved with a write within {seconds:.1f} s")


def _same_file(old: View, new: View) -> bool:
    return old.fingerprint.identity == new.fingerprint.identity


def _content_differs(old: View, new: View) -> bool:
    """Tell by the first bytes and the size: enough to accuse the times, too little to acquit them."""
    return old.first != new.first or old.fingerprint.size != new.fingerprint.size


def _whole_seconds(seen: Seen) -> bool:
    """Tell by the change times, which nobody can set."""
    fingerprints: list[Fingerprint] = [view.fingerprint for view in (seen.database, seen.log) if view is not None]
    return all(facts.changed % _SECOND == 0 for facts in fingerprints)
