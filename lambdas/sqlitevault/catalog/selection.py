"""Selection of one archive in one vault."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from sqlitevault.catalog.catalog import Backup, Catalog, Unreadable
from sqlitevault.catalog.manifest import Manifest, Scope
from sqlitevault.catalog.names import created_at, is_archive
from sqlitevault.ground.errors import BackupNotFound
from sqlitevault.ground.facts import ARCHIVE_SUFFIX
from sqlitevault.ground.quantities import format_time
from sqlitevault.vault.objects import not_found
from sqlitevault.vault.protocol import StoredObject, Vault

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which backup to take: the one with this id, else the newest good one within the limits.

    Attributes:
        at: not later than this.
        before: earlier than this.
        scope: the backup must hold what is to be restored.
        database: prefer this database when a vault has several.
    """

    backup_id: str | None = None
    at: datetime | None = None
    scope: Scope = Scope.ALL
    database: str | None = None
    before: datetime | None = None

    def too_late(self, moment: datetime) -> bool:
        """Return whether a backup of this time is later than asked for."""
        return (self.at is not None and moment > self.at) or (self.before is not None and moment >= self.before)

    @property
    def when(self) -> str:
        """The time limit in words, after a space; empty if there is none."""
        limits = (("not after", self.at), ("before", self.before))
        return "".join(f" {word} {format_time(moment)}" for word, moment in limits if moment is not None)

    def named(self, words: str) -> "Choice":
        """Return the choice of the backup with this id, or this choice for the word `latest`.

        Raises:
            ConfigError: it is neither.
        """
        if words == LATEST:
            return self
        created_at(words)
        return replace(self, backup_id=words)


@dataclass(frozen=True, slots=True)
class Selected:
    """The archive to work on.

    Attributes:
        manifest: None if there is none beside the archive; its own is then used.
        reason: why it is this one.
        skipped: the newer backups that were passed over, and why.
        changed: how the archive differs from the one that was committed or drilled, judged by the listing.
    """

    vault: Vault
    archive: StoredObject
    manifest: Manifest | None
    reason: str
    skipped: tuple[str, ...] = ()
    changed: str | None = None

    @property
    def label(self) -> str:
        """The backup id, or the archive's name when it has no manifest."""
        return self.manifest.backup_id if self.manifest else PurePosixPath(self.archive.name).name


def select(vault: Vault, choice: Choice) -> Selected:
    """Return the backup that `choice` describes.

    Raises:
        BackupNotFound: there is none; the hint says what there is instead.
        ManifestInvalid: the backup was chosen by its id, and its manifest cannot be read.
        ConfigError: the vault holds several databases and the choice does not say which.
    """
    catalog = Catalog(vault)
    if choice.backup_id is not None:
        return _selected(vault, catalog.get(choice.backup_id), "named")
    skipped: list[str] = []
    late = 0
    for backup in catalog.committed(catalog.the_database(choice.database)):
        if isinstance(backup, Unreadable):
            skipped.append(f"{backup.name}: {backup.error}")
        elif choice.too_late(backup.manifest.created_at):
            late += 1
        elif unfit := backup.unfit or backup.manifest.lacks(choice.scope):
            skipped.append(f"{backup.id}: {unfit}")
        else:
            return _selected(vault, backup, _reason(backup, choice), (*_too_new(choice, late), *skipped))
    raise _nothing(vault, choice, skipped)


def select_by_name(vault: Vault, name: str, choice: Choice) -> Selected:
    """Return the archive with this name in the vault, committed or not.

    If there is no such object, the name `latest.tar.gz` stands for what `choice` gives.

    Raises:
        BackupNotFound: there is no such object.
        ManifestInvalid: its manifest cannot be read or is another backup's.
    """
    stored = next((entry for entry in vault.objects(name) if entry.name == name), None)
    if stored is None:
        if PurePosixPath(name).name == LATEST + ARCHIVE_SUFFIX:
            return select(vault, choice)
        raise not_found(name, vault.location)
    backup = Catalog(vault).load(stored)
    if backup is None:
        return Selected(vault, stored, None, "named; without a manifest beside it")
    return _selected(vault, backup, "named")


def _selected(vault: Vault, backup: Backup, reason: str, skipped: tuple[str, ...] = ()) -> Selected:
    return Selected(vault, backup.archive, backup.manifest, reason, skipped, backup.changed)


def _reason(backup: Backup, choice: Choice) -> str:
    if backup.changed is None:
        return f"the newest good backup{choice.when}"
    return f"the newest backup{choice.when}; {backup.changed}, so its other copies are tried too"


def _too_new(choice: Choice, late: int) -> tuple[str, ...]:
    if choice.before is None or not late:
        return ()
    return (f"{late} newer backup{'s' if late > 1 else ''}: not before {format_time(choice.before)}",)


def _nothing(vault: Vault, choice: Choice, skipped: Sequence[str]) -> BackupNotFound:
    if skipped:
        hint = f"Passed over: {'; '.join(skipped)}. To take one anyway, name it by its id."
    elif any(is_archive(entry.name) for entry in vault.objects()):
        hint = "There are archives, but none committed by then: see `sqlitevault list`, and restore one by its path."
    else:
        hint = "Check the location; `sqlitevault list --from URI` shows what is in a vault."
    return BackupNotFound(f"no good backup{choice.when} in {vault.location}", hint=hint)
