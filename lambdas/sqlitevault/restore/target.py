"""The target of a restore, and the names of the files that a restore puts there."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Self

from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.names import created_at, is_backup_id
from sqlitevault.ground.errors import BackupNotFound, TargetUnwritable
from sqlitevault.ground.facts import CONFIG_PREFIX
from sqlitevault.site import Site


class Target:
    """The database that a restore would replace.

    A database behind a symbolic link is replaced at its real path, where its journals are.
    """

    def __init__(self, database: Path) -> None:
        """Follow a link once."""
        self.database = Path(os.path.realpath(database)) if database.is_symlink() else database

    @classmethod
    def of(cls, site: Site) -> Self:
        """Return the target that the site's settings name."""
        return cls(site.settings.database_path)

    @property
    def directory(self) -> Path:
        """The folder of the database and of everything staged, on one file system."""
        return self.database.parent

    def staged(self, backup_id: str) -> Path:
        """The folder that holds a staged backup."""
        return self.database.with_name(f"{self.database.name}.staged_{backup_id}")

    def tables(self, backup_id: str) -> Path:
        """The side database that holds single tables of a backup."""
        return self.database.with_name(f"{self.database.name}.tables_{backup_id}")

    def newest(self, place: Callable[[str], Path]) -> str:
        """Return the id of the newest backup at `place`, which is `staged` or `tables`.

        Raises:
            BackupNotFound: there is none.
        """
        found = (path.name.removeprefix(place("").name) for path in self.directory.glob(place("*").name))
        # A promote that was killed at its very end leaves an empty folder.
        ids = [name for name in found if is_backup_id(name) and (place(name).is_file() or any(place(name).iterdir()))]
        if not ids:
            raise BackupNotFound(f"nothing is staged beside {self.database}", hint="Stage a backup first.")
        return max(ids, key=created_at)

    def require_writable(self) -> None:
        """Make the target's folder if it is missing, and check that a database can be put there.

        Raises:
            TargetUnwritable: it cannot.
        """
        if self.database.exists() and not self.database.is_file():  # a device would be renamed
            raise _unwritable(self.database, "it is not an ordinary file")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.directory, error.strerror or str(error)) from error
        if not os.access(self.directory, os.W_OK | os.X_OK):
            raise _unwritable(self.directory, "no permission to write there")


def _unwritable(path: Path, why: str) -> TargetUnwritable:
    return TargetUnwritable(
        f"cannot restore to {path}: {why}",
        hint="Restore as the user who owns the database, or to another place with --target.",
    )


def kept_path(path: Path, moment: datetime) -> Path:
    """Return a free name `<path>.pre_restore_<time>` to keep what is at `path` now."""
    kept = path.with_name(f"{path.name}.pre_restore_{moment.astimezone(UTC):%Y%m%d_%H%M%S}")
    names = chain([kept], (kept.with_name(f"{kept.name}_{number}") for number in count(2)))
    return next(name for name in names if not name.exists())


def members_of(scope: Scope) -> Callable[[str], bool]:
    """Return a filter on the members of an archive that a restore of this scope needs."""

    def wanted(member: str) -> bool:
        if member.startswith(CONFIG_PREFIX):
            return scope is not Scope.DATABASE
        return scope is not Scope.CONFIG and member.endswith((".db", ".csv"))

    return wanted
