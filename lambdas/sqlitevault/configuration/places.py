"""Places of configuration files: below CONFIG_ROOT and in an archive."""

import re
from functools import cache
from pathlib import PurePosixPath

from sqlitevault.ground.profile import Profile

PREFIX = "config/"
ENVIRONMENT = ".env"
ENV_STRUCTURE = "env_structure.txt"
_WILDCARDS = {"**/": "(?:.+/)?", "*": "[^/]*"}


def original_path(member: str, profile: Profile) -> PurePosixPath | None:
    """Return where a member of an archive came from, relative to CONFIG_ROOT; None if it is not to be restored.

    Only the files that a backup collects are ever restored: `env_structure.txt`, `.env`, or a file that somebody put
    into an archive are not.
    """
    path = member.removeprefix(PREFIX)
    if path == member:
        return None
    path = profile.moved.get(path, path)
    if not {"", ".", ".."}.isdisjoint(path.split("/")):
        return None
    return PurePosixPath(path) if any(_as_regex(each).fullmatch(path) for each in profile.configuration) else None


@cache
def _as_regex(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*)", pattern)
    return re.compile("".join(_WILDCARDS.get(part, re.escape(part)) for part in parts))
