"""From an operator's words to one archive in one vault."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlitevault.catalog.catalog import LATEST, Catalog, Choice, manifest_name
from sqlitevault.catalog.manifest import Manifest
from sqlitevault.ground.errors import BackupNotFound
from sqlitevault.ground.facts import ARCHIVE_SUFFIX
from sqlitevault.vault.protocol import StoredObject, Vault


@dataclass(frozen=True, slots=True)
class Selected:
    """The archive to work on. `manifest` is None when none lies beside it: the archive's own is then taken.

    `changed` says how the archive is not the one that was committed or drilled, as far as a listing can tell.
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
        BackupNotFound: there is none.
    """
    chosen = Catalog(vault).choose(choice)
    backup = chosen.backup
    return Selected(vault, backup.archive, backup.manifest, chosen.reason, chosen.skipped, backup.changed)


def select_by_name(vault: Vault, name: str, choice: Choice) -> Selected:
    """Return the archive with this name in the vault, committed or not.

    The name `latest.tar.gz` stands for what `choice` gives, if there is no such object.

    Raises:
        BackupNotFound: there is no such object.
    """
    stored = {entry.name: entry for entry in vault.objects(name)}
    if name not in stored:
        if PurePosixPath(name).name == LATEST + ARCHIVE_SUFFIX:
            return select(vault, choice)
        raise BackupNotFound(
            f"there is no {name} in {vault.location}", hint="`sqlitevault list --from URI` shows what is in a vault."
        )
    if manifest_name(name) in stored:
        backup = Catalog(vault).load(stored[name])
        return Selected(vault, stored[name], backup.manifest, "named", changed=backup.changed)
    return Selected(vault, stored[name], None, "named; without a manifest beside it")
