"""The site of a function's process: built from its environment when the first event arrives."""

import os
from functools import cache

from sqlitevault.ground.settings import Settings
from sqlitevault.site import Site


@cache
def site_of(function_name: str | None = None) -> Site:
    """Return the site of this process; the name is recorded in the backups that it takes.

    Raises:
        ConfigError: the environment has wrong values.
    """
    return Site.of(Settings.from_env(os.environ), host=function_name)
