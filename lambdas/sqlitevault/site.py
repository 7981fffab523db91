"""A site: one database with its settings, vaults, profile and clock, passed to every service as one object."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Self

from sqlitevault.ground.facts import BACKUPS
from sqlitevault.ground.profile import Profile
from sqlitevault.ground.settings import Settings
from sqlitevault.profiles import load_profile
from sqlitevault.vault.opening import open_vault
from sqlitevault.vault.protocol import Protection, Vault, same_place


def utc_now() -> datetime:
    """Return the present time, in UTC and whole seconds: the precision of a backup id."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Site:
    """Everything that a service needs besides its own arguments. Vaults are opened on first use.

    Attributes:
        host: recorded in each backup as the machine, or the function, that took it.
        now: the clock; returns UTC in whole seconds.
        opener: opens the vault at a location.
    """

    settings: Settings
    profile: Profile
    host: str
    now: Callable[[], datetime] = utc_now
    opener: Callable[[str], Vault] = open_vault

    @classmethod
    def of(cls, settings: Settings, *, host: str | None = None) -> Self:
        """Return the site that the settings describe; `host` is this machine's name unless given.

        Raises:
            ConfigError: there is no such application profile.
        """
        return cls(settings, load_profile(settings.application_profile), host or socket.gethostname())

    @property
    def database_name(self) -> str:
        """The database's name in backup ids and metrics: its file name without the ending."""
        return self.settings.database_path.stem

    @cached_property
    def vault(self) -> Vault:
        """The vault.

        Raises:
            ConfigError: the settings name no vault.
            VaultUnavailable: AWS_PROFILE or the region does not exist.
        """
        return self.opener(self.settings.vault)

    @cached_property
    def replica(self) -> Vault | None:
        """The vault's copy; None where the vault is that copy itself, as in the recovery region.

        Raises:
            ConfigError, VaultUnavailable: as `vault`.
        """
        replica = self.settings.replica
        return None if replica is None or same_place(replica, self.settings.vault) else self.opener(replica)

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


@cache
def site_of(function_name: str | None = None) -> Site:
    """Return the site of a function's process, from its environment; the name is recorded in the backups that it takes.

    Raises:
        ConfigError: the environment has wrong values.
    """
    return Site.of(Settings.from_env(os.environ), host=function_name)
