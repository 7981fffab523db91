"""Names in a vault: backup ids, archives, manifests and drill reports."""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath

from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.facts import (
    ARCHIVE_SUFFIX,
    BACKUP_REPORTS,
    DRILL_REPORTS,
    MANIFEST_SUFFIX,
    REPLICA_DRILL_REPORTS,
)
from sqlitevault.vault.protocol import StoredObject

_BACKUP_ID = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,99})_backup_(?P<time>\d{8}_\d{6})")
_TIME = "%Y%m%d_%H%M%S"


def backup_id(name: str, created_at: datetime) -> str:
    """Return `<name>_backup_<YYYYMMDD>_<HHMMSS>` in UTC; `name` is the database's file name without its ending.

    Raises:
        ConfigError: the name has characters that an object key or a file name must not have.
    """
    made = f"{name}_backup_{created_at.astimezone(UTC):{_TIME}}"
    if not is_backup_id(made):
        raise ConfigError(
            f"the database name {name!r} cannot be part of a backup id",
            hint="Use only letters, digits, dot, underscore and hyphen in the database's file name, 100 at most.",
        )
    return made


def is_backup_id(text: str) -> bool:
    """Return whether `text` has the form of a backup id, with a time that exists."""
    with suppress(ConfigError):
        return bool(_parse(text))
    return False


def database_name(identifier: str) -> str:
    """Return the database's name in a backup id.

    Raises:
        ConfigError: `identifier` is not a backup id.
    """
    return _parse(identifier)[0]


def created_at(identifier: str) -> datetime:
    """Return the time in a backup id, in UTC.

    Raises:
        ConfigError: `identifier` is not a backup id.
    """
    return _parse(identifier)[1]


def is_archive(name: str) -> bool:
    """Return whether an object's name is that of an archive."""
    return name.endswith(ARCHIVE_SUFFIX) and is_backup_id(id_in(name))


def id_in(archive_name: str) -> str:
    """Return the backup id in an archive's name."""
    return PurePosixPath(archive_name).name.removesuffix(ARCHIVE_SUFFIX)


def newest_first_of(objects: Iterable[StoredObject]) -> list[StoredObject]:
    """Return the archives among the objects, sorted by the time in their names, newest first."""
    archives = (entry for entry in objects if is_archive(entry.name))
    return sorted(archives, key=lambda entry: (created_at(id_in(entry.name)), entry.name), reverse=True)


def manifest_name(archive_name: str) -> str:
    """Return the name of the manifest that commits this archive."""
    return archive_name + MANIFEST_SUFFIX


def backup_report_name(identifier: str) -> str:
    """Return the name of the report that the backup left."""
    return f"{BACKUP_REPORTS}{identifier}.json"


def drill_report_name(identifier: str, *, from_replica: bool = False) -> str:
    """Return the name of the report of a drill from the vault, or from the replica."""
    return f"{REPLICA_DRILL_REPORTS if from_replica else DRILL_REPORTS}{identifier}.json"


def drill_report_names(identifier: str) -> tuple[str, str]:
    """Return the names of all reports that may exist of a backup's drills."""
    return drill_report_name(identifier), drill_report_name(identifier, from_replica=True)


def _parse(identifier: str) -> tuple[str, datetime]:
    if parts := _BACKUP_ID.fullmatch(identifier):
        with suppress(ValueError):  # a 13th month
            return parts["name"], datetime.strptime(parts["time"], _TIME).replace(tzinfo=UTC)
    raise ConfigError(
        f"{identifier!r} is not a backup id", hint="A backup id looks like orders_backup_20260131_020000."
    )
