"""Where a process gets its settings, its vault and its clock: once, when the first event arrives."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Self

from sqlitevault.ground.facts import BACKUPS
from sqlitevault.ground.settings import Settings
from sqlitevault.snapshot import SnapshotOptions
from sqlitevault.vault.opening import open_vault
from sqlitevault.vault.protocol import Protection, Vault, same_place
from sqlitevault.watch.alarms import Alarms, open_alarms


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a function works with; `alarms` gives those that watch the vault, opened when they are first asked for."""

    settings: Settings
    vault: Vault
    replica: Vault | None
    alarms: Callable[[], Alarms | None]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Open what the settings name.

        Raises:
            ConfigError: they name no vault.
        """
        alarms = cache(partial(open_alarms, settings.vault))
        return cls(settings, open_vault(settings.vault), _replica(settings), alarms)

    @property
    def expected_protection(self) -> Protection | None:
        """How the vault was deployed; None outside a deployment."""
        settings = self.settings
        if settings.lock_days is None or settings.tier_days is None:
            return None
        days = (tier.split("=") for tier in settings.tier_days.split(","))
        return Protection(
            versioned=True,
            lock_mode="GOVERNANCE",
            lock_days=settings.lock_days,
            expiry_days=tuple(sorted((f"{BACKUPS}{tier}/", int(kept)) for tier, kept in days)),
        )

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
    return Wiring.of(Settings.from_env(os.environ))


def _replica(settings: Settings) -> Vault | None:
    """Open the vault's copy; there is none where the vault is that copy itself, as in the recovery region."""
    if settings.replica is None or same_place(settings.replica, settings.vault):
        return None
    return open_vault(settings.replica)


def snapshot_options(settings: Settings) -> SnapshotOptions:
    """Return the limits, as set, of snapshots that lie in scratch and are gone when the process is."""
    return SnapshotOptions(
        max_writer_stall_seconds=settings.max_writer_stall_seconds,
        timeout_seconds=settings.snapshot_timeout_seconds,
        durable=False,
    )


def now() -> datetime:
    """Return the present time, in UTC and whole seconds: the precision of a backup id."""
    return datetime.now(UTC).replace(microsecond=0)
