"""Sites for tests of services: a database in a folder, any vaults, and an optional fixed clock."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlitevault.ground.settings import Settings
from sqlitevault.profiles import load_profile
from sqlitevault.site import Site, utc_now
from sqlitevault.vault.opening import open_vault
from sqlitevault.vault.protocol import Vault


def make_site(
    database: Path,
    vault: str | Vault = "backups",
    *,
    replica: str | Vault | None = None,
    at: datetime | None = None,
    profile: str = "devops_hub",
    **settings: object,
) -> Site:
    """Return the site of a database; vaults are locations or open vaults, `settings` are fields of `Settings`.

    The configuration is beside the database's folder unless `config_root` is given. With `at`, the clock is fixed.
    """
    given = {each.location: each for each in (vault, replica) if each is not None and not isinstance(each, str)}
    chosen = {
        "database_path": database,
        "config_root": database.parent.parent,
        "vault": vault if isinstance(vault, str) else vault.location,
        "replica": replica if replica is None or isinstance(replica, str) else replica.location,
        "application_profile": profile,
    }
    clock: Callable[[], datetime] = utc_now if at is None else lambda: at
    made = Settings.model_validate(chosen | settings)
    return Site(made, load_profile(profile), "test", clock, lambda place: given.get(place) or open_vault(place))


def at(site: Site, moment: datetime) -> Site:
    """Return the site with its clock fixed at another time."""
    return replace(site, now=lambda: moment)


def changed(site: Site, **settings: object) -> Site:
    """Return the site with some settings changed."""
    return replace(site, settings=site.settings.model_copy(update=settings))
