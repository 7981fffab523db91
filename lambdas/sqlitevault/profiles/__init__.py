"""Application profiles, one module each. Only `sqlitevault.site` loads them."""

from importlib import import_module
from pkgutil import iter_modules

from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.profile import Profile


def load_profile(name: str) -> Profile:
    """Return the profile of this name.

    Raises:
        ConfigError: there is no such profile; the hint names those there are.
    """
    known = sorted(module.name for module in iter_modules(__path__))
    if name not in known:
        raise ConfigError(f"there is no application profile {name!r}", hint=f"Give one of {', '.join(known)}.")
    profile: Profile = import_module(f"{__name__}.{name}").PROFILE
    return profile
