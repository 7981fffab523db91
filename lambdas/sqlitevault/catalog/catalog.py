"""What is in a vault: its committed backups, their proofs, and how an operator's words choose one of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlitevault.catalog.archive_names import id_in, is_archive, newest_first_of
from sqlitevault.catalog.changed_archive import newer_than_proof, other_size
from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.catalog.manifest import Manifest, Scope, created_at, database_name, format_time
from sqlitevault.catalog.read_again import read_again
from sqlitevault.catalog.recorded_drill import recorded_drill, report_names
from sqlitevault.ground.errors import BackupNotFound, ConfigError, ManifestInvalid
from sqlitevault.ground.facts import MANIFEST_SUFFIX, RECORD_LIMIT
from sqlitevault.vault.protocol import StoredObject, Vault

_READERS = 16
LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Backup:
    """One committed backup: the manifest and the archive are both there.

    `changed` says how the stored archive is not the one that was committed or drilled, as far as a listing can tell.
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
    def unfit(self) -> str | None:
        """Why a restore should not take this backup by itself, or None.

        That its archive was changed is no reason: a restore then takes an earlier version or the replica's copy.
        """
        if self.manifest.corrupt:
            return "kept although its database is corrupt"
        if self.drill is not None and not self.drill.passed:
            return "its drill failed"
        return None


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """An archive without a manifest: made by the original shell script, or by a backup that never finished."""

    archive: StoredObject

    @property
    def id(self) -> str:
        """The backup id in the archive's name."""
        return id_in(self.archive.name)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A manifest that says nothing reliable, so that its archive does not count as a backup."""

    name: str
    error: str


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything in a vault, newest first."""

    backups: tuple[Backup, ...]
    uncommitted: tuple[Uncommitted, ...]
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which backup to take: the one with this id, else the newest good one not after `at`, or earlier than `before`.

    `scope`: the backup must hold what is to be restored. `database`: prefer this database when a vault has several.
    """

    backup_id: str | None = None
    at: datetime | None = None
    scope: Scope = Scope.ALL
    database: str | None = None
    before: datetime | None = None

    def too_late(self, moment: datetime) -> bool:
        """Tell whether a backup of this time is later than asked for."""
        return (self.at is not None and moment > self.at) or (self.before is not None and moment >= self.before)

    @property
    def when(self) -> str:
        """The time limit in words, after a space; empty if there is none."""
        limits = (("not after", self.at), ("before", self.before))
        return "".join(f" {word} {format_time(moment)}" for word, moment in limits if moment is not None)

    @classmethod
    def of(
        cls,
        words: str,
        *,
        at: datetime | None = None,
        scope: Scope = Scope.ALL,
        database: str | None = None,
        before: datetime | None = None,
    ) -> "Choice":
        """Return the choice that an id or the word `latest` stands for.

        Raises:
            ConfigError: it is neither.
        """
        if words == LATEST:
            return cls(at=at, scope=scope, database=database, before=before)
        created_at(words)
        return cls(backup_id=words, scope=scope, database=database)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A chosen backup, why it is this one, and the newer ones that were passed over."""

    backup: Backup
    reason: str
    skipped: tuple[str, ...] = ()


class Catalog:
    """The backups of one vault. Reads lazily: choosing the newest reads few manifests, listing reads all."""

    def __init__(self, vault: Vault) -> None:
        """Look at `vault` when asked, not before."""
        self.vault = vault

    def contents(self) -> Contents:
        """Read everything in the vault.

        Raises:
            VaultUnavailable: the vault cannot be read.
        """
        stored = {entry.name: entry for entry in self.vault.objects()}
        archives = newest_first_of(entry for name, entry in stored.items() if is_archive(name))
        committed = [entry for entry in archives if manifest_name(entry.name) in stored]
        with ThreadPoolExecutor(_READERS) as pool:
            read = list(pool.map(partial(self._read, stored), committed))
        return Contents(
            backups=tuple(entry for entry in read if isinstance(entry, Backup)),
            uncommitted=tuple(Uncommitted(entry) for entry in archives if manifest_name(entry.name) not in stored),
            unreadable=tuple(entry for entry in read if isinstance(entry, Unreadable)),
        )

    def newest_first(self, database: str | None = None) -> Iterator[Backup]:
        """Yield the readable backups, of one database if given, reading each only when it is asked for."""
        return (found for found in self._committed(database) if isinstance(found, Backup))

    def _committed(self, database: str | None) -> Iterator[Backup | Unreadable]:
        stored = {entry.name: entry for entry in self.vault.objects()}
        for entry in newest_first_of(entry for name, entry in stored.items() if is_archive(name)):
            if database is not None and database_name(id_in(entry.name)) != database:
                continue
            if manifest_name(entry.name) not in stored:
                continue
            yield self._read(stored, entry)

    def choose(self, choice: Choice) -> Chosen:
        """Return the backup that `choice` describes.

        Raises:
            BackupNotFound: there is none; the hint says what there is instead.
            ConfigError: the vault holds several databases and the choice does not say which.
        """
        if choice.backup_id is not None:
            return Chosen(self.get(choice.backup_id), "named")
        skipped: list[str] = []
        late = 0
        for backup in self._committed(self._database(choice.database)):
            if isinstance(backup, Unreadable):
                skipped.append(f"{backup.name}: {backup.error}")
                continue
            if choice.too_late(backup.manifest.created_at):
                late += 1
                continue
            unfit = backup.unfit or backup.manifest.lacks(choice.scope)
            if unfit is None:
                return Chosen(backup, _reason(backup, choice), (*_passed_over(choice, late), *skipped))
            skipped.append(f"{backup.id}: {unfit}")
        raise self._nothing(choice, skipped)

    def get(self, backup_id: str) -> Backup:
        """Return the committed backup with this id.

        Raises:
            BackupNotFound: no archive with a manifest has this id.
            ManifestInvalid: its manifest cannot be read or is another backup's.
        """
        stored = {entry.name: entry for entry in self.vault.objects()}
        for entry in stored.values():
            if is_archive(entry.name) and id_in(entry.name) == backup_id and manifest_name(entry.name) in stored:
                return self._load(stored, entry)
        raise BackupNotFound(
            f"no backup {backup_id} in {self.vault.location}", hint="`sqlitevault list` shows the backups there are."
        )

    def load(self, archive: StoredObject) -> Backup:
        """Return the backup whose archive this is.

        Raises:
            BackupNotFound: it has no manifest.
            ManifestInvalid: its manifest cannot be read or is another backup's.
        """
        names = (archive.name, *report_names(id_in(archive.name)))
        stored = {entry.name: entry for name in names for entry in self.vault.objects(name)}
        if manifest_name(archive.name) not in stored:
            raise BackupNotFound(
                f"{archive.name} in {self.vault.location} has no manifest",
                hint="It was never committed; restore it by its path to take it all the same.",
            )
        return self._load(stored, archive)

    def _read(self, stored: dict[str, StoredObject], archive: StoredObject) -> Backup | Unreadable:
        try:
            return self._load(stored, archive)
        except (ManifestInvalid, BackupNotFound) as error:
            return Unreadable(manifest_name(archive.name), str(error))

    def _load(self, stored: dict[str, StoredObject], archive: StoredObject) -> Backup:
        manifest = read_again(self.vault, stored[manifest_name(archive.name)], Manifest.from_json, limit=RECORD_LIMIT)
        if manifest.backup_id != id_in(archive.name) or manifest.archive is None:
            raise ManifestInvalid(
                f"the manifest beside {archive.name} is that of {manifest.backup_id}",
                hint="Files in the vault were renamed or mixed up; use another backup.",
            )
        drilled = recorded_drill(self.vault, stored, manifest.backup_id)
        changed = other_size(archive, manifest.archive)
        if drilled is not None and drilled.report.held_in(self.vault.location):
            changed = changed or newer_than_proof(archive, drilled.stored)
        return Backup(archive, manifest, drilled.report if drilled else None, changed)

    def _database(self, preferred: str | None) -> str | None:
        """Return the one database to choose from; None when the vault holds none."""
        names = {database_name(id_in(entry.name)) for entry in self.vault.objects() if is_archive(entry.name)}
        if preferred in names or len(names) <= 1:
            return preferred if preferred in names else next(iter(names), None)
        raise ConfigError(
            f"{self.vault.location} holds backups of several databases: {', '.join(sorted(names))}",
            hint="Name a backup by its id, or point DATABASE_PATH at a file named like the database.",
        )

    def _nothing(self, choice: Choice, skipped: list[str]) -> BackupNotFound:
        if skipped:
            hint = f"Passed over: {'; '.join(skipped)}. Name one by its id to take it all the same."
        elif any(is_archive(entry.name) for entry in self.vault.objects()):
            hint = (
                "There are archives, but none committed by then: see `sqlitevault list`, and restore one by its path."
            )
        else:
            hint = "Check the location; `sqlitevault list --from URI` shows what is in a vault."
        return BackupNotFound(f"no good backup{choice.when} in {self.vault.location}", hint=hint)


def manifest_name(archive_name: str) -> str:
    """Return the name of the manifest that commits this archive."""
    return archive_name + MANIFEST_SUFFIX


def _reason(backup: Backup, choice: Choice) -> str:
    if backup.changed is None:
        return f"the newest good backup{choice.when}"
    return f"the newest backup{choice.when}; {backup.changed}, so that its other copies are tried too"


def _passed_over(choice: Choice, late: int) -> tuple[str, ...]:
    if choice.before is None or not late:
        return ()
    return (f"{late} newer backup{'s' if late > 1 else ''}: not before {format_time(choice.before)}",)
