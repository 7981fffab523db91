"""Private copies of a database to read: of the live one, or of a backup's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.selection import Selected
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps, Watcher
from sqlitevault.proof.drill import require_database
from sqlitevault.proof.proof import fetch, unpack_archive
from sqlitevault.restore.target import members_of
from sqlitevault.site import Site
from sqlitevault.snapshot import SnapshotOptions, take_snapshot


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
        yield selected.label, require_database(unpacked.folder, unpacked.manifest)
