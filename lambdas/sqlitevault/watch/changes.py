"""Changes between backups: lost rows, growth and shrinkage."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise

from sqlitevault.catalog.manifest import Manifest
from sqlitevault.ground.report import Report

# A loss stays visible for this long, even if more backups follow or rows are deleted in small steps.
_MEMORY = timedelta(days=1)


class Changes(Report):
    """A backup compared with earlier ones.

    `largest_loss_percent`: the largest share of its rows that any table lost within a day, compared with the backup
    `largest_loss_since` in which it had most; 100 for a dropped table, 0 for a renamed one and for too few rows.
    `database_change_percent`: growth of the file since the previous backup, `since`.
    """

    since: str
    largest_loss_percent: float
    largest_loss_table: str | None
    database_change_percent: float
    largest_loss_rows: int = 0
    largest_loss_since: str | None = None

    def loss_beyond(self, percent: float) -> str | None:
        """Return the largest loss as a message; None if it is smaller than `percent`."""
        if self.largest_loss_table is None or self.largest_loss_percent < percent:
            return None
        return (
            f"{self.largest_loss_table} has {self.largest_loss_rows:,} fewer rows ({self.largest_loss_percent:g} %) "
            f"than in {self.largest_loss_since}"
        )


def changes(after: Manifest, others: Iterable[Manifest], least_rows: int) -> Changes | None:
    """Compare a backup with the earlier ones among `others`, newest first; reads no more of them than it needs.

    A table that lost fewer than `least_rows` rows counts as unchanged. Returns None if the backup holds no database, or
    no earlier one does.
    """
    before = list(_of_a_day(after, others))
    if after.database is None or not before or before[0].database is None:
        return None
    left = {table.name: table.rows for table in after.tables}
    losses = [
        (100 * (rows - left.get(name, 0)) / rows, name, rows - left.get(name, 0), backup_id)
        for name, (rows, backup_id) in _peaks([*reversed(before), after]).items()
        if rows - left.get(name, 0) >= least_rows
    ]
    percent, table, lost, since = max(losses, key=lambda loss: loss[0], default=(0.0, None, 0, None))
    size = before[0].database.bytes
    return Changes(
        since=before[0].backup_id,
        largest_loss_percent=round(percent, 2),
        largest_loss_table=table,
        database_change_percent=round(100 * (after.database.bytes - size) / size, 2) if size else 0.0,
        largest_loss_rows=lost,
        largest_loss_since=since,
    )


def _of_a_day(after: Manifest, others: Iterable[Manifest]) -> Iterator[Manifest]:
    """Yield the previous backup, however old, and all within a day."""
    found = False
    for manifest in others:
        if manifest.database is None or manifest.created_at >= after.created_at:
            continue
        if found and after.created_at - manifest.created_at > _MEMORY:
            return
        found = True
        yield manifest


def _peaks(oldest_first: list[Manifest]) -> dict[str, tuple[int, str]]:
    """Return the most rows that each table had, and the backup that has them, by the table's present name."""
    peaks: dict[str, tuple[int, str]] = {}
    for older, newer in pairwise(oldest_first):
        for table in older.tables:
            if table.name not in peaks or table.rows >= peaks[table.name][0]:
                peaks[table.name] = (table.rows, older.backup_id)
        for old, new in _renamed(older, newer):
            peaks[new] = peaks.pop(old)
    return peaks


def _renamed(older: Manifest, newer: Manifest) -> Iterator[tuple[str, str]]:
    """Yield old and new names of tables that were renamed: their rows are the same."""
    before, now = ({table.name: table.digest for table in one.tables if table.rows} for one in (older, newer))
    added = {digest: name for name, digest in now.items() if name not in before and digest is not None}
    names = {table.name for table in newer.tables}
    for name, digest in before.items():
        if name not in names and digest in added:
            yield name, added.pop(digest)
