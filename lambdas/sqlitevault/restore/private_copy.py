"""A private copy of a database to look into: of the live one, or of the one in a backup."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.selection import Selected
from sqlitevault.ground.errors import BackupNotFound
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps, Watcher
from sqlitevault.proof.drill import database_in
from sqlitevault.proof.proof import fetch, unpack_archive
from sqlitevault.restore.target import Wanted
from sqlitevault.snapshot import SnapshotOptions, take_snapshot


@contextmanager
def copy_of_live(
    database: Path, options: SnapshotOptions, scratch: Path | None = None, watcher: Watcher | None = None
) -> Iterator[Path]:
    """Give a consistent copy of a live database; it is gone afterwards.

    Raises:
        SourceNotFound, SourceBusy, SourceCorrupt, ScratchFull: no copy could be made.
    """
    with scratch_directory(scratch) as directory:
        copy = directory / "live.db"
        with Steps(watcher).step("snapshot of the live database") as on_bytes:
            take_snapshot(database, copy, options, on_bytes=on_bytes)
        yield copy


@contextmanager
def copy_of_backup(selected: Selected, scratch: Path | None = None, watcher: Watcher | None = None) -> Iterator[Path]:
    """Give the database of a backup, its checksums compared; it is gone afterwards.

    Raises:
        BackupNotFound: the backup holds no database.
        ChecksumMismatch, ArchiveUnsafe, ManifestInvalid: the backup is damaged.
        VaultUnavailable, ScratchFull: it could not be fetched.
    """
    steps = Steps(watcher)
    with scratch_directory(scratch) as directory:
        archive = directory / PurePosixPath(selected.archive.name).name
        fetch(selected.vault, selected.archive, selected.manifest, archive, steps)
        unpacked = unpack_archive(archive, directory / "unpacked", selected.manifest, steps, Wanted(Scope.DATABASE))
        database = database_in(unpacked.folder, unpacked.manifest)
        if database is None:
            raise BackupNotFound(f"{selected.label} holds no database", hint="Choose a backup of the database.")
        yield database
