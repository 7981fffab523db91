"""Get a backup out of a vault and prove it; if a copy is damaged, take another copy or the SQL dump.

Every failed attempt is reported. The result is proven, wherever it came from.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    IntegrityCheckFailed,
    SourceCorrupt,
    SqliteVaultError,
    VaultUnavailable,
)
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps, Watcher
from sqlitevault.proof.drill import DAMAGE
from sqlitevault.proof.proof import fetch, prove_database, unpack_archive
from sqlitevault.restore.salvage import Salvaged, salvage
from sqlitevault.restore.target import members_of
from sqlitevault.site import Site
from sqlitevault.snapshot import SnapshotOptions, take_snapshot
from sqlitevault.vault.protocol import StoredObject, Vault

_UNUSABLE: tuple[type[SqliteVaultError], ...] = (*DAMAGE, VaultUnavailable)


@dataclass(frozen=True, slots=True)
class Retrieved(Unpacked):
    """A backup's content on disk, and its proofs.

    `recovered_from` names the source if it was not the archive in the vault, `repairs` what failed before. `salvaged`
    describes content that could not be proven.
    """

    selected: Selected
    checks: tuple[Check, ...]
    recovered_from: str | None = None
    repairs: tuple[str, ...] = ()
    salvaged: Salvaged | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """One stored copy of the archive. `elsewhere` is None for the one that was selected."""

    vault: Vault
    archive: StoredObject
    elsewhere: str | None = None

    @property
    def place(self) -> str:
        """The place of the copy, for messages."""
        return self.elsewhere or f"the archive in {self.vault.location}"


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
        failures: list[SqliteVaultError] = []
        for copy in self.copies():
            try:
                proven = self._prove(copy)
            except _UNUSABLE as error:
                if isinstance(error, VaultUnavailable) and copy.elsewhere is None:
                    raise
                self.repairs.append(f"{copy.place}: {error}")
                failures.append(error)
            else:
                if self.scope is Scope.DATABASE:
                    proven.require_database()
                return proven
        if self.salvage and self.scope is not Scope.CONFIG:
            return self._salvage()
        raise self._nothing_proven(failures[0])

    def _salvage(self) -> Retrieved:
        """Return what can be read of the first readable copy; without configuration: half a file is useless."""
        for number, copy in enumerate(self.copies()):
            archive, folder = self._archive(copy), self.into / f"salvage-{number}"
            folder.mkdir()
            try:
                with self.steps.step("salvage", copy.archive.bytes):
                    copy.vault.download(copy.archive.name, archive, version=copy.archive.version)
                    found = salvage(archive, self.selected.manifest, folder, place=copy.place)
            except _UNUSABLE as error:
                self.repairs.append(f"salvage of {copy.place}: {error}")
                continue
            place, checks = found.database.parent, (found.check,)
            return Retrieved(place, found.manifest, self.selected, checks, found.source, tuple(self.repairs), found)
        raise IntegrityCheckFailed(
            f"nothing can be read of any copy of {self.selected.label}: {'; '.join(self.repairs)}",
            hint="Take an older backup: `sqlitevault list` shows them.",
        )

    def copies(self) -> Iterator[Copy]:
        """Yield every stored copy of the archive, the selected one first."""
        here, name = self.selected.vault, self.selected.archive.name
        yield Copy(here, self.selected.archive)
        newest_is_known = any(stored.name == name for stored in here.objects(name))
        versions = [stored for stored in self._listed(here, here.versions(name)) if stored.version is not None]
        for stored in versions[1 if newest_is_known else 0 :]:
            yield Copy(here, stored, f"version {stored.version} in {here.location}")
        there, base = self.replica, PurePosixPath(name).name
        if there is None or there.location == here.location:
            return
        # The replica's folders may differ from the vault's.
        alike = (stored for stored in there.objects() if PurePosixPath(stored.name).name == base)
        for stored in self._listed(there, there.versions(name)) or self._listed(there, alike):
            version = f"version {stored.version} in " if stored.version else ""
            yield Copy(there, stored, f"{version}the replica {there.location}")

    def _listed(self, vault: Vault, found: Iterator[StoredObject]) -> list[StoredObject]:
        try:
            return list(found)
        except VaultUnavailable as error:
            problem = f"{vault.location} could not be searched for other copies: {error}"
            if problem not in self.repairs:
                self.repairs.append(problem)
            return []

    def _archive(self, copy: Copy) -> Path:
        """Return where a copy's archive is downloaded to, after deleting the one of another copy."""
        archive = self.downloads / PurePosixPath(copy.archive.name).name
        archive.unlink(missing_ok=True)
        return archive

    def _prove(self, copy: Copy) -> Retrieved:
        archive, known = self._archive(copy), self.selected.manifest
        fetched = fetch(copy.vault, copy.archive, known, archive, self.steps)
        folder = self.into / "unpacked"
        shutil.rmtree(folder, ignore_errors=True)
        unpacked = unpack_archive(archive, folder, known, self.steps, members_of(self.scope))
        manifest, place = unpacked.manifest, copy.elsewhere
        database = unpacked.database
        try:
            checks = prove_database(database, manifest, self.steps) if database is not None else ()
        except (IntegrityCheckFailed, SourceCorrupt) as error:
            if database is None or not any(file.path == _dump_of(manifest) for file in manifest.files):
                raise
            checks = self._rebuild(archive, manifest, database, error)
            place = f"the SQL dump in {place or 'the archive'}"
        archive.unlink()
        return Retrieved(unpacked.folder, manifest, self.selected, (fetched, *checks), place, tuple(self.repairs))

    def _rebuild(self, archive: Path, manifest: Manifest, database: Path, cause: SqliteVaultError) -> tuple[Check, ...]:
        """Rebuild the database from the SQL dump in the archive, and prove that."""
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

    def _nothing_proven(self, first: SqliteVaultError) -> SqliteVaultError:
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
        """Return the id of the newest good backup before this one."""
        if self.selected.manifest is None:
            return None
        this = self.selected.manifest.backup_id
        with suppress(SqliteVaultError):
            found = Catalog(self.selected.vault).newest_first(database_name(this))
            return next((one.id for one in found if one.good and created_at(one.id) < created_at(this)), None)
        return None


def _dump_of(manifest: Manifest) -> str:
    return str(PurePosixPath(manifest.database_member or "").with_suffix(".sql"))


@contextmanager
def retrieved_database(site: Site, selected: Selected, watcher: Watcher | None = None) -> Iterator[Retrieved]:
    """Give the database of a backup, proven; it exists until the end of the body.

    Raises:
        BackupNotFound: the backup holds no database.
        ChecksumMismatch, ArchiveUnsafe, ManifestInvalid, IntegrityCheckFailed: it cannot be proven.
        VaultUnavailable, ScratchFull: it could not be fetched.
    """
    with scratch_directory(site.settings.scratch) as work:
        yield Retrieval(selected, Scope.DATABASE, work, work, Steps(watcher), site.replica).run()


@contextmanager
def private_copy(site: Site, selected: Selected | None, watcher: Watcher | None = None) -> Iterator[tuple[str, Path]]:
    """Give name and copy of the live database, or of the one in a backup, its checksums compared.

    The copy exists until the end of the body.

    Raises:
        SourceNotFound, SourceBusy, SourceCorrupt: the live database could not be copied.
        BackupNotFound: the backup holds no database.
        ChecksumMismatch, ArchiveUnsafe, ManifestInvalid: the backup is damaged.
        VaultUnavailable, ScratchFull: it could not be fetched.
    """
    live, steps = site.settings.database_path, Steps(watcher)
    with scratch_directory(site.settings.scratch) as scratch:
        if selected is None:
            with steps.step("snapshot of the live database") as on_bytes:
                take_snapshot(live, scratch / "live.db", SnapshotOptions.of(site.settings), on_bytes=on_bytes)
            yield str(live), scratch / "live.db"
            return
        archive = scratch / PurePosixPath(selected.archive.name).name
        fetch(selected.vault, selected.archive, selected.manifest, archive, steps)
        unpacked = unpack_archive(archive, scratch / "unpacked", selected.manifest, steps, members_of(Scope.DATABASE))
        yield selected.label, unpacked.require_database()
