"""Application profiles: what is known of one application, as data. docs/adr/0018 says why."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import NoReturn

from sqlitevault.ground.errors import ConfigError

_WILDCARDS = {"**/": "(?:.+/)?", "*": "[^/]*"}


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The table of the application's API keys.

    Attributes:
        columns: those that may be shown, never the key or its hash; the first identifies a key.
        label: the column with the name that people know a key by.
        active: the column that is 0 for a revoked key.
        member: the file in an archive that lists the keys.
    """

    table: str
    columns: tuple[str, ...]
    label: str
    active: str
    member: str


@dataclass(frozen=True, slots=True)
class EventTable:
    """The table of the events that the application logs, and its columns."""

    table: str
    time: str
    kind: str
    source: str
    data: str


@dataclass(frozen=True, slots=True)
class Profile:
    """One application.

    Attributes:
        name: the value of APPLICATION_PROFILE that chooses it.
        after_restore: how an operator checks that the application works; completes "Start the application and …".
        configuration: patterns of the files to back up, relative to CONFIG_ROOT: `*` within a name, `**/` any folders.
        moved: files that old archives hold under another path, and where they belong.
    """

    name: str
    after_restore: str
    configuration: tuple[str, ...]
    moved: Mapping[str, str] = field(default_factory=dict)
    keys: KeyTable | None = None
    events: EventTable | None = None

    def require_keys(self) -> KeyTable:
        """Return the key table.

        Raises:
            ConfigError: the application has none.
        """
        return self.keys or self._lack("table of API keys")

    def require_events(self) -> EventTable:
        """Return the event table.

        Raises:
            ConfigError: the application has none.
        """
        return self.events or self._lack("table of events")

    def original_path(self, stored: str) -> PurePosixPath | None:
        """Return where a file below `config/` in an archive came from; None if it is not to be restored.

        Only the files that a backup collects are ever restored: `env_structure.txt`, `.env`, or a file that somebody
        put into an archive are not. The result is relative to CONFIG_ROOT.
        """
        path = self.moved.get(stored, stored)
        if not {"", ".", ".."}.isdisjoint(path.split("/")):
            return None
        return PurePosixPath(path) if any(_as_regex(each).fullmatch(path) for each in self.configuration) else None

    def _lack(self, what: str) -> NoReturn:
        raise ConfigError(
            f"the application profile {self.name} names no {what}",
            hint="Set APPLICATION_PROFILE to the profile of this database's application.",
        )


@cache
def _as_regex(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*)", pattern)
    return re.compile("".join(_WILDCARDS.get(part, re.escape(part)) for part in parts))
