"""Users of a database: those that hold SQLite's locks, also on other hosts, and this host's processes by name."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlitevault.ground.errors import TargetInUse
from sqlitevault.snapshot.locks import connections_seen

_PROC = Path("/proc")


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
    if not database.exists():
        return ()
    return (*_local_processes(database), *connections_seen(database))


def require_unused(database: Path, *, force: bool) -> tuple[str, ...]:
    """Return the users of the database; with `force` there may be some.

    Raises:
        TargetInUse: it is open elsewhere, and `force` is not set.
    """
    users = occupants(database)
    if users and not force:
        raise in_use(database, users)
    return users


def _local_processes(database: Path) -> Iterator[str]:
    try:
        facts = database.stat()
    except OSError:
        return
    for process in _PROC.glob("[0-9]*"):
        if int(process.name) != os.getpid() and _has_open(process, facts):
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
