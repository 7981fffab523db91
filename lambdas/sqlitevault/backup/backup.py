"""Take a backup: snapshot, check, count, dump, pack, upload, and commit it with the manifest, in this order."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlitevault import __version__
from sqlitevault.archive.members import Member, describe
from sqlitevault.archive.writing import write_archive
from sqlitevault.backup.capture import Captured, capture_database
from sqlitevault.catalog.catalog import Catalog
from sqlitevault.catalog.manifest import Archive, Manifest, Scope, Source, Tool
from sqlitevault.catalog.names import backup_id, manifest_name
from sqlitevault.configuration.collecting import Omission, collect
from sqlitevault.database.header import read_header
from sqlitevault.ground.errors import BackupExists, BackupNotFound, ConfigError, SourceNotFound, VaultUnavailable
from sqlitevault.ground.facts import ARCHIVE_SUFFIX, RECORD_LIMIT, Tier
from sqlitevault.ground.files import require_free
from sqlitevault.ground.report import Report, Seconds
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps, Watcher
from sqlitevault.snapshot import SnapshotOptions
from sqlitevault.vault.protocol import Vault
from sqlitevault.watch.changes import Changes, LossLimits, changes

# Snapshot, SQL dump and archive lie in scratch at the same time; a dump with many blobs is twice their size.
SCRATCH_PER_DATABASE_BYTE = 3


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What to back up, and into which folder of the vault (`""` or one that ends with a slash).

    `origin` is where the database came from when `database` is only a working copy of it.
    """

    database: Path
    config_root: Path
    created_at: datetime
    host: str
    name: str | None = None
    origin: str | None = None
    tier: Tier = Tier.MANUAL
    scope: Scope = Scope.ALL
    folder: str = ""
    allow_corrupt: bool = False
    scratch: Path | None = None
    snapshot: SnapshotOptions = field(default_factory=SnapshotOptions)
    losses: LossLimits = field(default_factory=LossLimits)

    @property
    def database_name(self) -> str:
        """What the database is called in the backup's name: its file name without the ending."""
        return self.name or self.database.stem

    @property
    def backup_id(self) -> str:
        """The id that this request's backup gets; the same time gives the same id."""
        return backup_id(self.database_name, self.created_at)

    @property
    def archive_name(self) -> str:
        """Name of the archive in the vault."""
        return f"{self.folder}{self.backup_id}{ARCHIVE_SUFFIX}"


class BackupReport(Report):
    """A committed backup. `created` is False when it was there already and nothing was done."""

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


def back_up(request: BackupRequest, vault: Vault, watcher: Watcher | None = None) -> BackupReport:
    """Take the backup that `request` describes and commit it to `vault`.

    Asking again with the same time makes no second backup: the report then says `created=False`.

    Raises:
        SourceNotFound, SourceBusy, SourceCorrupt, SourceUnsupported: there is no copy that could be trusted.
        ScratchFull: the working disk is too small.
        VaultUnavailable, ChecksumMismatch: the archive did not arrive; there is no manifest, so no backup.
    """
    existing = _committed(request, vault)
    if existing is not None:
        return _report(request, vault, existing, Steps(), created=False)
    steps = Steps(watcher)
    with scratch_directory(request.scratch) as scratch:
        contents = _gather(request, scratch, steps)
        manifest, archive = _pack(request, contents, scratch, steps)
        try:
            _commit(request, vault, manifest, archive, steps)
        except BackupExists:
            return _report(request, vault, _settle(request, vault, manifest, archive), steps, created=False)
    return _report(request, vault, manifest, steps, created=True, contents=contents)


@dataclass(frozen=True, slots=True)
class _Contents:
    captured: Captured | None
    members: tuple[Member, ...]
    omitted: tuple[Omission, ...]


def _gather(request: BackupRequest, scratch: Path, steps: Steps) -> _Contents:
    captured = None
    members: list[Member] = []
    omitted: tuple[Omission, ...] = ()
    if request.scope is not Scope.CONFIG:
        _require_scratch(request, scratch)
        captured = capture_database(
            request.database,
            scratch,
            name=request.database_name,
            options=request.snapshot,
            allow_corrupt=request.allow_corrupt,
            steps=steps,
        )
        members += captured.members
    if request.scope is not Scope.DATABASE:
        with steps.step("collect configuration"):
            collected = collect(request.config_root, _new_directory(scratch / "config"))
        members += (Member(found.path, found.source) for found in collected.members)
        omitted = collected.omitted
    if not members:
        raise SourceNotFound(
            f"there is no configuration to back up in {request.config_root}",
            hint="Point CONFIG_ROOT at the folder that holds docker-compose.yml, k8s/ and .env.",
        )
    return _Contents(captured, tuple(members), omitted)


def _require_scratch(request: BackupRequest, scratch: Path) -> None:
    read_header(request.database)  # a wrong source is a better answer than a full disk
    with suppress(FileNotFoundError):
        require_free(scratch, SCRATCH_PER_DATABASE_BYTE * request.database.stat().st_size)


def _new_directory(path: Path) -> Path:
    path.mkdir()
    return path


def _pack(request: BackupRequest, contents: _Contents, scratch: Path, steps: Steps) -> tuple[Manifest, Path]:
    captured = contents.captured
    with steps.step("checksum"):
        files = describe(contents.members)
    inner = Manifest(
        backup_id=request.backup_id,
        created_at=request.created_at,
        tier=request.tier,
        scope=request.scope,
        source=Source(name=request.database_name, path=request.origin or str(request.database), host=request.host),
        database=captured.database if captured else None,
        snapshot=captured.snapshot if captured else None,
        tables=captured.tables if captured else (),
        corrupt=captured.corrupt if captured else (),
        files=files,
        tool=Tool(version=__version__),
    )
    target = scratch / inner.archive_name
    with steps.step("compress", sum(file.bytes for file in files)) as on_bytes:
        packed: Archive = write_archive(inner, contents.members, target, on_bytes=on_bytes)
    return inner.model_copy(update={"archive": packed}), target


def _commit(request: BackupRequest, vault: Vault, manifest: Manifest, archive: Path, steps: Steps) -> None:
    if manifest.archive is None:
        raise ConfigError("the manifest has no archive", hint="Report this as a defect.")
    if _committed(request, vault) is not None:
        raise BackupExists(f"{manifest.backup_id} was committed meanwhile", hint="Nothing is left to do.")
    with steps.step("upload", manifest.archive.bytes) as on_bytes:
        vault.upload(request.archive_name, archive, sha256=manifest.archive.sha256, on_bytes=on_bytes)
    with steps.step("commit"):
        vault.create(manifest_name(request.archive_name), manifest.to_json())


def _settle(request: BackupRequest, vault: Vault, ours: Manifest, archive: Path) -> Manifest:
    """Leave a manifest that fits the archive, whichever of two runs for the same time stored its archive last.

    Of these two the first to write its manifest has committed. If our archive has replaced the other's, our manifest
    has to replace the other's as well: otherwise neither could be restored.
    """
    archive.unlink()  # the room for what is stored
    stored = vault.download(request.archive_name, archive)
    if ours.archive is None or stored != ours.archive.sha256:
        return _require_committed(request, vault)
    vault.replace(manifest_name(request.archive_name), ours.to_json())
    return ours


def _committed(request: BackupRequest, vault: Vault) -> Manifest | None:
    try:
        return _require_committed(request, vault)
    except BackupNotFound:
        return None


def _require_committed(request: BackupRequest, vault: Vault) -> Manifest:
    return Manifest.from_json(vault.read(manifest_name(request.archive_name), limit=RECORD_LIMIT))


def _report(
    request: BackupRequest,
    vault: Vault,
    manifest: Manifest,
    steps: Steps,
    *,
    created: bool,
    contents: _Contents | None = None,
) -> BackupReport:
    captured = contents.captured if contents else None
    return BackupReport(
        backup_id=manifest.backup_id,
        location=vault.location,
        archive=request.archive_name,
        created=created,
        manifest=manifest,
        seconds=steps.total_seconds,
        steps=steps.seconds,
        omitted=tuple(f"{left.path}: {left.reason}" for left in contents.omitted) if contents else (),
        warnings=captured.warnings if captured else (),
        changes=_changes(vault, manifest, request.losses) if created else None,
    )


def _changes(vault: Vault, manifest: Manifest, limits: LossLimits) -> Changes | None:
    others = (backup.manifest for backup in Catalog(vault).newest_first(manifest.source.name))
    try:
        return changes(manifest, others, limits)
    except VaultUnavailable:
        return None  # the backup is committed; what cannot be compared must not make it a failure
