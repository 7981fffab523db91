"""The target of a restore: its database, the names of the files that a restore puts there, and its users."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Self

from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.names import created_at, is_backup_id
from sqlitevault.ground.errors import BackupNotFound, TargetInUse, TargetUnwritable
from sqlitevault.ground.facts import CONFIG_PREFIX
from sqlitevault.site import Site
from sqlitevault.snapshot.locks import connections_seen

_PROC = Path("/proc")


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


def in_use(database: Path | str, users: tuple[str, ...]) -> TargetInUse:
    """Return the error for a database that is open elsewhere."""
    return TargetInUse(
        f"{database} is open: {'; '.join(users)}",
        hint="Stop the application first (docker compose stop, or kubectl scale --replicas=0), or use --force.",
    )


def occupants(database: Path) -> tuple[str, ...]:
    """Describe each user that has the database open; empty if none is seen.

    An idle connection of another host in rollback mode holds no lock and cannot be seen.
    """
    try:
        facts = database.stat()
    except OSError:
        return ()
    return (*_local_processes(facts), *connections_seen(database))


def require_unused(database: Path, *, force: bool) -> tuple[str, ...]:
    """Return the users of the database; with `force` there may be some.

    Raises:
        TargetInUse: it is open elsewhere, and `force` is not set.
    """
    users = occupants(database)
    if users and not force:
        raise in_use(database, users)
    return users


def _local_processes(file: os.stat_result) -> Iterator[str]:
    for process in _PROC.glob("[0-9]*"):
        if int(process.name) != os.getpid() and _has_open(process, file):
            yield f"process {process.name} ({_command(process)})"


def _has_open(process: Path, file: os.stat_result) -> bool:
    with suppress(OSError):  # it ended meanwhile, or is another user's
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                if os.path.samestat(descriptor.stat(), file):
                    return True
    return False


def _command(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "unknown"
