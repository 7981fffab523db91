"""Take a backup: snapshot, check, count, dump, pack, upload, and commit it with the manifest, in this order."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from sqlitevault import __version__
from sqlitevault.archive.members import Member, describe
from sqlitevault.archive.writing import write_archive
from sqlitevault.backup.capture import Captured, capture_database
from sqlitevault.catalog.catalog import Catalog
from sqlitevault.catalog.manifest import Manifest, Scope, Source, Tool
from sqlitevault.catalog.names import backup_id, backup_report_name, manifest_name
from sqlitevault.configuration.collecting import collect
from sqlitevault.database.header import read_header
from sqlitevault.ground.errors import BackupExists, BackupNotFound, SourceNotFound, SqliteVaultError, VaultUnavailable
from sqlitevault.ground.facts import ARCHIVE_SUFFIX, RECORD_LIMIT, Tier
from sqlitevault.ground.files import require_free
from sqlitevault.ground.report import Report, Seconds
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps, Watcher
from sqlitevault.site import Site
from sqlitevault.vault.protocol import Vault
from sqlitevault.watch.changes import Changes, changes

# Snapshot, SQL dump and archive are in scratch at the same time; a dump with many blobs is twice their size.
SCRATCH_PER_DATABASE_BYTE = 3


@dataclass(frozen=True, slots=True)
class Order:
    """What to back up, and how to file it.

    Attributes:
        created_at: the time in the backup's id; None means now.
        folder: the archive's folder in the vault; empty, or ending with a slash.
        origin: recorded as the database's place when the site's path is only a working copy of it.
        allow_corrupt: keep a damaged database, marked as corrupt.
    """

    scope: Scope = Scope.ALL
    tier: Tier = Tier.MANUAL
    created_at: datetime | None = None
    folder: str = ""
    origin: str | None = None
    allow_corrupt: bool = False


class BackupReport(Report):
    """A committed backup. `created` is False when it already existed and nothing was done."""

    backup_id: str
    location: str
    archive: str
    created: bool
    manifest: Manifest
    seconds: Seconds
    steps: dict[str, Seconds]
    omitted: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    changes: Changes | None = None


def back_up(site: Site, order: Order = Order(), watcher: Watcher | None = None) -> BackupReport:
    """Back up the site's database and configuration, and commit the backup to its vault.

    A second call for the same time makes no second backup; its report says `created=False`.

    The report of a new backup is kept in the vault, after the manifest: a report that cannot be written must not cost a
    good backup, and of two runs for the same time only the one that committed may write it. A run that is killed in
    between leaves a backup without a report, which restores like any other.

    Raises:
        SourceNotFound, SourceBusy, SourceCorrupt, SourceUnsupported: no trustworthy copy could be made.
        ScratchFull: the working disk is too small.
        VaultUnavailable, ChecksumMismatch: the archive did not arrive; there is no manifest, so no backup.
    """
    run = _Run(site, order, order.created_at or site.now(), Steps(watcher))
    existing = run.committed()
    if existing is not None:
        return run.report(existing, created=False)
    with scratch_directory(site.settings.scratch) as scratch:
        manifest, archive = run.pack(run.gather(scratch), scratch)
        try:
            run.commit(manifest, archive)
        except BackupExists:
            return run.report(run.settle(manifest, archive), created=False)
    report = run.report(manifest, created=True, changed=run.changed(manifest))
    try:
        site.vault.replace(backup_report_name(report.backup_id), report.to_json())
    except SqliteVaultError as error:
        unkept = f"this report was not written to the vault: {error}"
        return report.model_copy(update={"warnings": (*report.warnings, unkept)})
    return report


def ingest(site: Site, inbox: Vault, name: str, *, version: str | None, uploaded_at: datetime) -> BackupReport:
    """Back up the database that was uploaded to `inbox`, in this version, under its own name and upload time.

    Raises:
        BackupNotFound: the upload no longer exists.
        SourceCorrupt: it is damaged or not SQLite; nothing is committed.
        ScratchFull, VaultUnavailable: as for any backup.
    """
    base = PurePosixPath(name)
    with scratch_directory(site.settings.scratch) as scratch:
        copy = scratch / base.name
        inbox.download(name, copy, version=version)
        settings = site.settings.model_copy(update={"database_path": copy, "config_root": scratch})
        order = Order(
            scope=Scope.DATABASE,
            created_at=uploaded_at,
            folder=f"{Tier.MANUAL}/{base.stem}/",
            origin=inbox.location + name,
        )
        return back_up(replace(site, settings=settings), order)


@dataclass(slots=True)
class _Run:
    """One attempt to take a backup."""

    site: Site
    order: Order
    created_at: datetime
    steps: Steps
    captured: Captured = field(default_factory=Captured)
    omitted: tuple[str, ...] = ()

    @property
    def archive_name(self) -> str:
        return self.order.folder + backup_id(self.site.database_name, self.created_at) + ARCHIVE_SUFFIX

    def gather(self, scratch: Path) -> tuple[Member, ...]:
        """Return the members of the archive, made in `scratch`."""
        settings = self.site.settings
        members: list[Member] = []
        if self.order.scope is not Scope.CONFIG:
            read_header(settings.database_path)  # report a wrong source before a full disk
            with suppress(FileNotFoundError):
                require_free(scratch, SCRATCH_PER_DATABASE_BYTE * settings.database_path.stat().st_size)
            self.captured = capture_database(self.site, scratch, self.steps, allow_corrupt=self.order.allow_corrupt)
            members += self.captured.members
        if self.order.scope is not Scope.DATABASE:
            staging = scratch / "config"
            staging.mkdir()
            with self.steps.step("collect configuration"):
                collected = collect(settings.config_root, self.site.profile.configuration, staging)
            members += (Member(path, copy) for path, copy in collected.members.items())
            self.omitted = tuple(f"{path}: {reason}" for path, reason in collected.omitted.items())
        if not members:
            raise SourceNotFound(
                f"there is no configuration to back up in {settings.config_root}",
                hint=f"Point CONFIG_ROOT at the folder that holds .env, {', '.join(self.site.profile.configuration)}.",
            )
        return tuple(members)

    def pack(self, members: tuple[Member, ...], scratch: Path) -> tuple[Manifest, Path]:
        """Write the archive into `scratch`; return the manifest that commits it, and its path."""
        with self.steps.step("checksum"):
            files = describe(members)
        site, order, captured = self.site, self.order, self.captured
        inner = Manifest(
            backup_id=backup_id(site.database_name, self.created_at),
            created_at=self.created_at,
            tier=order.tier,
            scope=order.scope,
            source=Source(
                name=site.database_name, path=order.origin or str(site.settings.database_path), host=site.host
            ),
            database=captured.database,
            snapshot=captured.snapshot,
            tables=captured.tables,
            corrupt=captured.corrupt,
            files=files,
            tool=Tool(version=__version__),
        )
        target = scratch / inner.archive_name
        with self.steps.step("compress", sum(file.bytes for file in files)) as on_bytes:
            packed = write_archive(inner, members, target, on_bytes=on_bytes)
        return inner.model_copy(update={"archive": packed}), target

    def commit(self, manifest: Manifest, archive: Path) -> None:
        """Upload the archive, then the manifest."""
        if self.committed() is not None:
            raise BackupExists(f"{manifest.backup_id} was committed meanwhile", hint="Nothing is left to do.")
        vault, packed = self.site.vault, manifest.archive
        assert packed is not None
        with self.steps.step("upload", packed.bytes) as on_bytes:
            vault.upload(self.archive_name, archive, sha256=packed.sha256, on_bytes=on_bytes)
        with self.steps.step("commit"):
            vault.create(manifest_name(self.archive_name), manifest.to_json())

    def settle(self, ours: Manifest, archive: Path) -> Manifest:
        """Leave a manifest that fits the archive, whichever of two runs for the same time stored its archive last.

        The first of them to write its manifest has committed. If our archive has replaced the other's, our manifest
        has to replace the other's too: otherwise neither could be restored.
        """
        archive.unlink()  # to make room for the stored one
        stored = self.site.vault.download(self.archive_name, archive)
        if ours.archive is None or stored != ours.archive.sha256:
            return self.require_committed()
        self.site.vault.replace(manifest_name(self.archive_name), ours.to_json())
        return ours

    def committed(self) -> Manifest | None:
        """Return the manifest in the vault, if there is one."""
        with suppress(BackupNotFound):
            return self.require_committed()
        return None

    def require_committed(self) -> Manifest:
        """Return the manifest in the vault."""
        return Manifest.from_json(self.site.vault.read(manifest_name(self.archive_name), limit=RECORD_LIMIT))

    def changed(self, manifest: Manifest) -> Changes | None:
        """Compare a committed backup with those before it; None if they cannot be read, which must not fail it."""
        others = (backup.manifest for backup in Catalog(self.site.vault).newest_first(manifest.source.name))
        with suppress(VaultUnavailable):
            return changes(manifest, others, self.site.settings.mass_deletion_rows)
        return None

    def report(self, manifest: Manifest, *, created: bool, changed: Changes | None = None) -> BackupReport:
        """Return the report of a committed backup."""
        return BackupReport(
            backup_id=manifest.backup_id,
            location=self.site.vault.location,
            archive=self.archive_name,
            created=created,
            manifest=manifest,
            seconds=self.steps.total_seconds,
            steps=self.steps.seconds,
            omitted=self.omitted if created else (),
            warnings=self.captured.warnings if created else (),
            changes=changed,
        )
