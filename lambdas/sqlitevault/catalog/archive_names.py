"""How archives are named in a vault: by their backup ids, in any folder."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from sqlitevault.catalog.manifest import created_at, is_backup_id
from sqlitevault.ground.facts import ARCHIVE_SUFFIX
from sqlitevault.vault.protocol import StoredObject


def is_archive(name: str) -> bool:
    """Tell whether an object is named as an archive is."""
    return name.endswith(ARCHIVE_SUFFIX) and is_backup_id(id_in(name))


def id_in(archive_name: str) -> str:
    """Return the backup id in an archive's name."""
    return PurePosixPath(archive_name).name.removesuffix(ARCHIVE_SUFFIX)


def newest_first_of(archives: Iterable[StoredObject]) -> list[StoredObject]:
    """Return archives by the time in their names, the newest first."""
    return sorted(archives, key=lambda entry: (created_at(id_in(entry.name)), entry.name), reverse=True)
