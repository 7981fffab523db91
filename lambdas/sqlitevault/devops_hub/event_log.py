"""The application's own event log: what happened last, for whoever looks into a breach."""

from dataclasses import dataclass
from pathlib import Path

import apsw

from sqlitevault.database.connection import open_copy
from sqlitevault.ground.errors import ConfigError


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event as the application wrote it; times are the application's text."""

    timestamp: str
    type: str
    source: str
    data: str


def last_events(copy: Path, *, kind: str, limit: int) -> tuple[LoggedEvent, ...]:
    """Return the newest events whose type begins with `kind`, newest first, from a private copy of the database.

    Raises:
        ConfigError: the database has no table `events` as DevOps Hub writes it.
    """
    query = (
        "SELECT timestamp, type, source, data FROM events WHERE substr(type, 1, ?) = ? ORDER BY timestamp DESC LIMIT ?"
    )
    with open_copy(copy) as connection:
        try:
            found = connection.execute(query, (len(kind), kind, limit)).fetchall()
        except apsw.SQLError as error:
            raise ConfigError(
                "the database has no table events with timestamp, type, source and data",
                hint="`audit` is for DevOps Hub's databases.",
            ) from error
    return tuple(LoggedEvent(*map(str, row)) for row in found)
