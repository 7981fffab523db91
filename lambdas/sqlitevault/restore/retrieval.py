"""Get a backup out of a vault and prove it; if a copy is damaged, take another copy or the SQL dump.

Every failed attempt is reported. The result is proven, wherever it came from.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sqlitevault.archive.unpacking import Unpacked
from sqlitevault.catalog.catalog import Catalog
from sqlitevault.catalog.drill_report import Check
from sqlitevault.catalog.manifest import Manifest, Scope
from sqlitevault.catalog.names import created_at, database_name
from sqlitevault.catalog.selection import Selected
from sqlitevault.dump.load import load_dump
from sqlitevault.ground.errors import (
    ArchiveUnsafe,
    BackupNotFound,
    IntegrityCheckFailed,
    SourceCorrupt,
    SqliteVaultError,
    VaultUnavailable,
)
from sqlitevault.ground.steps import Steps
from sqlitevault.proof.drill import DAMAGE, database_in
from sqlitevault.proof.proof import fetch, prove_database, unpack_archive
from sqlitevault.restore.salvage import Salvaged, salvage
from sqlitevault.restore.target import Wanted, wants_database
from sqlitevault.vault.protocol import StoredObject, Vault

_UNUSABLE: tuple[type[SqliteVaultError], ...] = (*DAMAGE, VaultUnavailable)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A backup's content in `folder`, and its proofs.

    `recovered_from` names the source if it was not the archive in the vault, `repairs` what failed before. `salvaged`
    describes content that could not be proven.
    """

    folder: Path
    manifest: Manifest
    checks: tuple[Check, ...]
    recovered_from: str | None = None
    repairs: tuple[str, ...] = ()
    salvaged: Salvaged | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """One stored copy of the archive. `place` is None for the one that was selected."""

    vault: Vault
    archive: StoredObject
    place: str | None = None


@dataclass(slots=True)
class Retrieval:
    """A search for a copy that can be proven. Archives are put into `downloads`, their content into `into`."""

    selected: Selected
    scope: Scope
    downloads: Path
    into: Path
    steps: Steps
    replica: Vault | None = None
    salvage: bool = False
    repairs: list[str] = field(default_factory=list)

    def run(self) -> Retrieved:
        """Return the first copy that is proven: as stored, an earlier version, the replica's.

        Raises:
            ChecksumMismatch, ArchiveUnsafe, ManifestInvalid, IntegrityCheckFailed: none is; the hint says what to do.
            BackupNotFound: the archive does not exist, or holds no database.
            VaultUnavailable, ScratchFull: the vault's own copy could not be fetched.
        """
        first: SqliteVaultError | None = None
        for copy in self.copies():
            try:
                proven = self._prove(copy)
            except DAMAGE as error:
                self._note(copy, error)
                first = first or error
            except VaultUnavailable as error:
                if copy.place is None:
                    raise
                self._note(copy, error)
            else:
                return self._require_wanted(proven)
        if self.salvage and wants_database(self.scope):
            return self._salvage()
        raise self._nothing_proven(first)

    def _salvage(self) -> Retrieved:
        """Return what can be read of the first readable copy; without configuration: half a file is of no use.

        Raises:
            IntegrityCheckFailed: no copy is readable.
        """
        for number, copy in enumerate(self.copies()):
            place = copy.place or f"the archive in {copy.vault.location}"
            archive, folder = self.fetched_to(copy), self.into / f"salvage-{number}"
            folder.mkdir()
            try:
                with self.steps.step("salvage", copy.archive.bytes):
                    copy.vault.download(copy.archive.name, archive, version=copy.archive.version)
                    found = salvage(archive, self.selected.manifest, folder, place=place)
            except _UNUSABLE as error:
                self.repairs.append(f"salvage of {place}: {error}")
                continue
            return Retrieved(found.folder, found.manifest, (found.check,), found.source, tuple(self.repairs), found)
        raise IntegrityCheckFailed(
            f"nothing can be read of any copy of {self.selected.label}: {'; '.join(self.repairs)}",
            hint="Take an older backup: `sqlitevault list` shows them.",
        )

    def _require_wanted(self, proven: Retrieved) -> Retrieved:
        if self.scope is Scope.DATABASE and database_in(proven.folder, proven.manifest) is None:
            raise BackupNotFound(
                f"{proven.manifest.backup_id} holds no database",
                hint="It is a backup of the configuration; choose another one.",
            )
        return proven

    def copies(self) -> Iterator[Copy]:
        """Yield every stored copy of the archive, the selected one first."""
        selected, name = self.selected, self.selected.archive.name
        yield Copy(selected.vault, selected.archive)
        newest_is_known = any(stored.name == name for stored in selected.vault.objects(name))
        versions = [stored for stored in self._versions(selected.vault, name) if stored.version is not None]
        for stored in versions[1 if newest_is_known else 0 :]:
            yield Copy(selected.vault, stored, f"version {stored.version} in {selected.vault.location}")
        if self.replica is not None and self.replica.location != selected.vault.location:
            for stored in self._in_replica(self.replica, name):
                version = f"version {stored.version} in " if stored.version else ""
                yield Copy(self.replica, stored, f"{version}the replica {self.replica.location}")

    def _versions(self, vault: Vault, name: str) -> list[StoredObject]:
        try:
            return list(vault.versions(name))
        except VaultUnavailable as error:
            self._unreachable(vault, error)
            return []

    def _in_replica(self, replica: Vault, name: str) -> list[StoredObject]:
        """Find the archive, also if the replica's folders differ from the vault's."""
        base = PurePosixPath(name).name
        try:
            exact = list(replica.versions(name))
            return exact or [stored for stored in replica.objects() if PurePosixPath(stored.name).name == base]
        except VaultUnavailable as error:
            self._unreachable(replica, error)
            return []

    def _unreachable(self, vault: Vault, error: VaultUnavailable) -> None:
        problem = f"{vault.location} could not be searched for other copies: {error}"
        if problem not in self.repairs:
            self.repairs.append(problem)

    def _prove(self, copy: Copy) -> Retrieved:
        archive = self.fetched_to(copy)
        fetched = fetch(copy.vault, copy.archive, self.selected.manifest, archive, self.steps)
        folder = self.into / "unpacked"
        shutil.rmtree(folder, ignore_errors=True)
        unpacked = unpack_archive(archive, folder, self.selected.manifest, self.steps, Wanted(self.scope))
        place = copy.place
        try:
            checks = self._prove_database(unpacked)
        except (IntegrityCheckFailed, SourceCorrupt) as error:
            checks = self._rebuild(archive, unpacked, error)
            place = f"the SQL dump in {place or 'the archive'}"
        archive.unlink()
        return Retrieved(unpacked.folder, unpacked.manifest, (fetched, *checks), place, tuple(self.repairs))

    def fetched_to(self, copy: Copy) -> Path:
        """Return where a copy's archive is downloaded to, after deleting the one of another copy."""
        archive = self.downloads / PurePosixPath(copy.archive.name).name
        archive.unlink(missing_ok=True)
        return archive

    def _prove_database(self, unpacked: Unpacked) -> tuple[Check, ...]:
        database = database_in(unpacked.folder, unpacked.manifest)
        return prove_database(database, unpacked.manifest, self.steps) if database is not None else ()

    def _rebuild(self, archive: Path, unpacked: Unpacked, cause: SqliteVaultError) -> tuple[Check, ...]:
        """Rebuild the database from the SQL dump beside it, and prove that."""
        manifest = unpacked.manifest
        database = database_in(unpacked.folder, manifest)
        if database is None or not any(file.path == _dump_of(manifest) for file in manifest.files):
            raise cause
        self.repairs.append(f"the database in the archive failed its proof ({cause}); it was rebuilt from the SQL dump")
        folder = self.into / "dump"
        shutil.rmtree(folder, ignore_errors=True)
        dumped = unpack_archive(archive, folder, manifest, self.steps, lambda member: member == _dump_of(manifest))
        sql = dumped.folder / _dump_of(manifest)
        database.unlink()
        with self.steps.step("load SQL dump", sql.stat().st_size) as on_bytes:
            load_dump(sql, database, on_bytes=on_bytes)
        sql.unlink()
        return prove_database(database, manifest, self.steps)

    def _note(self, copy: Copy, error: SqliteVaultError) -> None:
        self.repairs.append(f"{copy.place or f'the archive in {copy.vault.location}'}: {error}")

    def _nothing_proven(self, first: SqliteVaultError | None) -> SqliteVaultError:
        if first is None:
            return BackupNotFound(f"no copy of {self.selected.label}", hint="Take another backup.")
        others = f"; also tried: {'; '.join(self.repairs[1:])}" if self.repairs[1:] else ""
        return type(first)(f"{first}{others}", hint=self._way_out(first))

    def _way_out(self, first: SqliteVaultError) -> str:
        if isinstance(first, ArchiveUnsafe):
            return first.hint  # nothing in an attack is worth restoring
        older = self._next_older()
        salvage = "or restore what can be read of this one, unproven, with --salvage."
        if older is None:
            return f"{first.hint} There is no older good one; {salvage}"
        return f"Take another backup: the next older good one is {older}; {salvage}"

    def _next_older(self) -> str | None:
        """Return the id of the newest good backup that is older than this one."""
        manifest = self.selected.manifest
        if manifest is None:
            return None
        mine = created_at(manifest.backup_id)
        with suppress(SqliteVaultError):
            for backup in Catalog(self.selected.vault).newest_first(database_name(manifest.backup_id)):
                if created_at(backup.id) < mine and backup.doubt is None and backup.manifest.database is not None:
                    return backup.id
        return None


def _dump_of(manifest: Manifest) -> str:
    return str(PurePosixPath(manifest.database_member or "").with_suffix(".sql"))
