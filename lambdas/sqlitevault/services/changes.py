"""How a database changed since the backup before: the numbers that give away an accident."""

from sqlitevault.manifest import Manifest
from sqlitevault.services.report import Report


class Changes(Report):
    """Change between two backups of a database; percentages of the older one's figures.

    `largest_loss_percent` is the largest share of its rows that any table lost (a table that is gone lost all), 0 if
    none lost any; `largest_loss_table` names it.
    """

    since: str
    largest_loss_percent: float
    largest_loss_table: str | None
    database_change_percent: float


def changes(before: Manifest, after: Manifest) -> Changes | None:
    """Compare two manifests; None if either holds no database."""
    if before.database is None or after.database is None:
        return None
    rows = {table.name: table.rows for table in after.tables}
    losses = {
        table.name: 100 * (table.rows - rows.get(table.name, 0)) / table.rows
        for table in before.tables
        if table.rows > rows.get(table.name, 0)
    }
    worst = max(losses, key=lambda name: losses[name], default=None)
    size = before.database.bytes
    return Changes(
        since=before.backup_id,
        largest_loss_percent=round(losses[worst], 2) if worst is not None else 0.0,
        largest_loss_table=worst,
        database_change_percent=round(100 * (after.database.bytes - size) / size, 2) if size else 0.0,
    )
