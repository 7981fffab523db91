"""The Alarms protocol: what has to be known of the alarms that watch a database. Its docstrings are its promises."""

from dataclasses import dataclass
from typing import Protocol

# What the functions' metrics are filed under; alarms on any other dimension see nothing.
NAMESPACE = "SqliteVault"
DIMENSION = "Database"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. `listeners`: confirmed subscriptions of the topics that it tells; `loud`: it is in alarm now."""

    name: str
    metric: str
    armed: bool
    listeners: int
    loud: bool


class Alarms(Protocol):
    """The alarms of one deployment."""

    def watching(self, database: str) -> tuple[Alarm, ...]:
        """Return every alarm on a metric of this database, in order of name.

        Raises:
            VaultUnavailable: they cannot be looked at.
        """
        ...
