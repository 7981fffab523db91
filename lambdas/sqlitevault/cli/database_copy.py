"""Private copies of databases to read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlitevault.cli.options import database_backup
from sqlitevault.ground.steps import Watcher
from sqlitevault.restore.private_copy import copy_of_backup, copy_of_live
from sqlitevault.site import Site
from sqlitevault.snapshot import SnapshotOptions


@contextmanager
def copy_of(words: str | None, site: Site, watcher: Watcher) -> Iterator[tuple[str, Path]]:
    """Give name and private copy of the database in the backup that the user named; None: of the live database.

    Raises:
        BackupNotFound, ConfigError: as for `selected`.
        SourceNotFound, SourceBusy, SourceCorrupt, ChecksumMismatch, ScratchFull, VaultUnavailable: there is no copy.
    """
    settings = site.settings
    if words is None:
        with copy_of_live(settings.database_path, SnapshotOptions.of(settings), settings.scratch, watcher) as live:
            yield str(settings.database_path), live
    else:
        backup = database_backup(words, site)
        with copy_of_backup(backup, settings.scratch, watcher) as kept:
            yield backup.label, kept
