"""The contents of a vault: its committed backups and their proofs."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial
from typing import TypeVar, cast

from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.catalog.manifest import Manifest
from sqlitevault.catalog.names import (
    database_name,
    drill_report_names,
    id_in,
    is_archive,
    manifest_name,
    newest_first_of,
)
from sqlitevault.ground.errors import BackupNotFound, ConfigError, ManifestInvalid
from sqlitevault.ground.facts import RECORD_LIMIT
from sqlitevault.ground.quantities import format_time
from sqlitevault.vault.protocol import StoredObject, Vault

_READERS = 16
# The clock may be set back a little between an upload and its drill.
_SAME_MOMENT = timedelta(seconds=5)
# Manifests and drill reports of a month of hourly backups, in a vault and its replica, and a reserve.
_MOST_CACHED = 8192

_Document = TypeVar("_Document")
_Stored = Mapping[str, StoredObject]


@dataclass(frozen=True, slots=True)
class Backup:
    """One committed backup: its manifest and its archive are both there.

    `changed` says how the stored archive differs from the one that was committed or drilled, judged by the listing.
    """

    archive: StoredObject
    manifest: Manifest
    drill: DrillReport | None = None
    changed: str | None = None

    @property
    def id(self) -> str:
        """The backup id."""
        return self.manifest.backup_id

    @property
    def proven(self) -> bool:
        """Whether a drill has restored and compared the archive that is stored now."""
        return self.drill is not None and self.drill.passed and self.changed is None

    @property
    def doubt(self) -> str | None:
        """Why this backup does not count as good, or None."""
        return self.unfit or self.changed

    @property
    def good(self) -> bool:
        """Whether it holds a database and is not in doubt."""
        return self.doubt is None and self.manifest.database is not None

    @property
    def unfit(self) -> str | None:
        """Why a restore must not pick this backup automatically, or None.

        A changed archive is not a reason: a restore then takes an earlier version or the replica's copy.
        """
        if self.manifest.corrupt:
            return "kept although its database is corrupt"
        if self.drill is not None and not self.drill.passed:
            return "its drill failed"
        return None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A manifest that cannot be used, so its archive does not count as a backup."""

    name: str
    error: str


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything in a vault, newest first.

    `uncommitted` are archives without a manifest: by the original shell script, or by a backup that never finished.
    """

    backups: tuple[Backup, ...]
    uncommitted: tuple[StoredObject, ...]
    unreadable: tuple[Unreadable, ...]


class Catalog:
    """The backups of one vault. Reads lazily: choosing the newest reads few manifests, listing reads all."""

    def __init__(self, vault: Vault) -> None:
        """Read `vault` when asked, not before."""
        self.vault = vault

    def contents(self) -> Contents:
        """Read everything in the vault.

        Raises:
            VaultUnavailable: the vault cannot be read.
        """
        stored = self._stored()
        archives = newest_first_of(stored.values())
        committed = [entry for entry in archives if manifest_name(entry.name) in stored]
        with ThreadPoolExecutor(_READERS) as pool:
            read = list(pool.map(partial(self._read, stored), committed))
        return Contents(
            backups=tuple(entry for entry in read if isinstance(entry, Backup)),
            uncommitted=tuple(entry for entry in archives if manifest_name(entry.name) not in stored),
            unreadable=tuple(entry for entry in read if isinstance(entry, Unreadable)),
        )

    def newest_first(self, database: str | None = None) -> Iterator[Backup]:
        """Yield the readable backups, of one database if given, reading each only when it is asked for."""
        return (found for found in self.committed(database) if isinstance(found, Backup))

    def committed(self, database: str | None) -> Iterator[Backup | Unreadable]:
        """Yield as `newest_first`, and also the unreadable ones."""
        stored = self._stored()
        for entry in newest_first_of(stored.values()):
            if database in (None, database_name(id_in(entry.name))) and manifest_name(entry.name) in stored:
                yield self._read(stored, entry)

    def get(self, backup_id: str) -> Backup:
        """Return the committed backup with this id.

        Raises:
            BackupNotFound: no archive with a manifest has this id.
            ManifestInvalid: its manifest cannot be read or is another backup's.
        """
        stored = self._stored()
        for entry in stored.values():
            if is_archive(entry.name) and id_in(entry.name) == backup_id and manifest_name(entry.name) in stored:
                return self._load(stored, entry)
        raise BackupNotFound(
            f"no backup {backup_id} in {self.vault.location}", hint="`sqlitevault list` shows the backups there are."
        )

    def load(self, archive: StoredObject) -> Backup | None:
        """Return the backup of this archive; None if it has no manifest.

        Raises:
            ManifestInvalid: its manifest cannot be read or is another backup's.
        """
        names = (archive.name, *drill_report_names(id_in(archive.name)))
        stored = {entry.name: entry for name in names for entry in self.vault.objects(name)}
        return self._load(stored, archive) if manifest_name(archive.name) in stored else None

    def the_database(self, preferred: str | None) -> str | None:
        """Return the one database whose backups the vault holds, or `preferred`; None if it holds no archives.

        Raises:
            ConfigError: it holds several, and `preferred` is not one of them.
        """
        names = {database_name(id_in(name)) for name in self._stored() if is_archive(name)}
        if preferred in names or len(names) <= 1:
            return preferred if preferred in names else next(iter(names), None)
        raise ConfigError(
            f"{self.vault.location} holds backups of several databases: {', '.join(sorted(names))}",
            hint="Name a backup by its id, or point DATABASE_PATH at a file named like the database.",
        )

    def _stored(self) -> dict[str, StoredObject]:
        return {entry.name: entry for entry in self.vault.objects()}

    def _read(self, stored: _Stored, archive: StoredObject) -> Backup | Unreadable:
        try:
            return self._load(stored, archive)
        except (ManifestInvalid, BackupNotFound) as error:
            return Unreadable(manifest_name(archive.name), str(error))

    def _load(self, stored: _Stored, archive: StoredObject) -> Backup:
        manifest = read_again(self.vault, stored[manifest_name(archive.name)], Manifest.from_json)
        if manifest.backup_id != id_in(archive.name) or manifest.archive is None:
            raise ManifestInvalid(
                f"the manifest beside {archive.name} is that of {manifest.backup_id}",
                hint="Files in the vault were renamed or mixed up; use another backup.",
            )
        here = self.vault.location
        drill, proof = self._drill(stored, manifest.backup_id) or (None, None)
        changed = None
        if archive.bytes != manifest.archive.bytes:
            changed = f"its archive has {archive.bytes:,} bytes instead of {manifest.archive.bytes:,}"
        # Both times are the vault's own. In a copy of the vault they are when each was copied, and prove nothing.
        elif proof and drill and drill.held_in(here) and archive.modified - proof.modified > _SAME_MOMENT:
            changed = f"its archive was written anew at {format_time(archive.modified)}, after its drill"
        return Backup(archive, manifest, drill, changed)

    def _drill(self, stored: _Stored, backup_id: str) -> tuple[DrillReport, StoredObject] | None:
        """Return the newest drill of the backup and its stored report; one of this very vault goes before others."""
        found = []
        for entry in (stored[name] for name in drill_report_names(backup_id) if name in stored):
            with suppress(ManifestInvalid, BackupNotFound):  # an unreadable report proves nothing
                found.append((read_again(self.vault, entry, DrillReport.from_json), entry))
        here = self.vault.location
        own = [(report, entry) for report, entry in found if report.backup_id == backup_id]
        return max(own, key=lambda drill: (drill[0].held_in(here), drill[0].drilled_at), default=None)


def read_again(vault: Vault, entry: StoredObject, parse: Callable[[bytes], _Document]) -> _Document:
    """Return a parsed object; one that the listing shows unchanged is read only once by this process.

    Raises:
        BackupNotFound, ManifestInvalid: as `Vault.read` and `parse`; nothing is cached then.
        VaultUnavailable: the vault cannot be read.
    """
    return cast("_Document", _read_once(cast("Hashable", vault), entry, entry.tag, parse))


@lru_cache(maxsize=_MOST_CACHED)
def _read_once(vault: Hashable, entry: StoredObject, _tag: str | None, parse: Callable[[bytes], object]) -> object:
    return parse(cast("Vault", vault).read(entry.name, limit=RECORD_LIMIT, version=entry.version))
