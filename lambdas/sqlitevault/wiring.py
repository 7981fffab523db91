"""Where a process gets its settings, its vault and its clock: once, when the first event arrives."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from sqlitevault.settings import Settings
from sqlitevault.snapshot import SnapshotOptions
from sqlitevault.vault import Vault
from sqlitevault.vault_location import open_vault


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a function works with."""

    settings: Settings
    vault: Vault

    @property
    def snapshot_options(self) -> SnapshotOptions:
        """How hard to try for a snapshot."""
        return snapshot_options(self.settings)


@cache
def wire() -> Wiring:
    """Return the wiring of this process.

    Raises:
        ConfigError: the environment has wrong values.
    """
    settings = Settings.from_env(os.environ)
    return Wiring(settings, open_vault(settings.vault))


def snapshot_options(settings: Settings) -> SnapshotOptions:
    """Return the snapshot's limits as set."""
    return SnapshotOptions(
        max_writer_stall_seconds=settings.max_writer_stall_seconds,
        timeout_seconds=settings.snapshot_timeout_seconds,
    )


def now() -> datetime:
    """Return the present time, in UTC and whole seconds: the precision of a backup id."""
    return datetime.now(UTC).replace(microsecond=0)
