"""Back up a snapshot that somebody uploaded: fetched whole, checked, and archived like any other source."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from sqlitevault.backup.backup import BackupReport, BackupRequest, back_up
from sqlitevault.catalog.manifest import Scope
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps, Watcher
from sqlitevault.vault.protocol import Vault
from sqlitevault.watch.changes import LossLimits


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """One upload: the object `name` in `inbox`, in the version that the event told of."""

    inbox: Vault
    name: str
    version: str | None
    uploaded_at: datetime
    host: str
    scratch: Path | None = None
    losses: LossLimits = field(default_factory=LossLimits)


def ingest(request: IngestRequest, vault: Vault, watcher: Watcher | None = None) -> BackupReport:
    """Back up the uploaded database under its own name, with the time of the upload.

    Raises:
        BackupNotFound: the upload is gone.
        SourceCorrupt: it is damaged or not SQLite; nothing is committed.
        ScratchFull, VaultUnavailable: as for any backup.
    """
    name = PurePosixPath(request.name).name
    with scratch_directory(request.scratch) as scratch:
        with Steps(watcher).step("fetch upload") as on_bytes:
            request.inbox.download(request.name, scratch / name, version=request.version, on_bytes=on_bytes)
        return back_up(
            BackupRequest(
                database=scratch / name,
                config_root=scratch,
                created_at=request.uploaded_at,
                host=request.host,
                origin=request.inbox.location + request.name,
                scope=Scope.DATABASE,
                folder=f"manual/{PurePosixPath(name).stem}/",
                scratch=request.scratch,
                losses=request.losses,
            ),
            vault,
            watcher,
        )
