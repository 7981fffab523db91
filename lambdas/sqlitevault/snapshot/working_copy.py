"""The copy under construction: its private folder beside the destination, and its recovery by SQLite."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from sqlitevault.database.header import HEADER_BYTES, ROLLBACK_VERSIONS, WRITE_VERSION_OFFSET, parse_header
from sqlitevault.ground.errors import SourceCorrupt, TargetExists
from sqlitevault.ground.files import full_disk_reported, require_free, sync
from sqlitevault.snapshot.attempt import Copied
from sqlitevault.snapshot.fresh import SIDE_FILES, beside
from sqlitevault.snapshot.journal import require_single_file

_NAME = "database"


@contextmanager
def workplace(destination: Path, needed_bytes: int, *, durable: bool = True) -> Iterator[Path]:
    """Give the path of the copy to make, in a folder that is always removed; move it to `destination` at the end.

    Raises:
        TargetExists: the destination exists, or a journal or log that SQLite would apply to it.
        ScratchFull: the disk is too small or filled up.
    """
    _require_free_names(destination)
    with full_disk_reported(destination.parent):
        require_free(destination.parent, needed_bytes)
        folder = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
        try:
            yield folder / _NAME
            (folder / _NAME).rename(destination)
            if durable:
                sync(destination.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def clear(copy: Path) -> None:
    """Remove the files of an earlier attempt."""
    for leftover in copy.parent.iterdir():
        leftover.unlink()


def _require_free_names(destination: Path) -> None:
    for suffix in ("", *SIDE_FILES):
        taken = beside(destination, suffix)
        if taken.exists():
            raise TargetExists(f"{taken} already exists", hint="Move it away, or choose another destination.")


def settle(copy: Path, copied: Copied, *, durable: bool = True) -> None:
    """Let SQLite recover the copy, and put it in rollback mode; no journal or log stays beside it.

    Raises:
        SourceCorrupt: SQLite cannot recover it, or the result is not a database.
        SourceUnsupported: its journal belongs to a transaction over several files.
        OSError: the disk is full or fails.
    """
    if copied.hot_journal:
        require_single_file(beside(copy, "-journal"))
    if copied.hot_journal or copied.wal_frames:
        _recover(copy)
    for suffix in SIDE_FILES:
        beside(copy, suffix).unlink(missing_ok=True)
    with copy.open("r+b", buffering=0) as file:
        parse_header(file.read(HEADER_BYTES))
        os.pwrite(file.fileno(), ROLLBACK_VERSIONS, WRITE_VERSION_OFFSET)
        if durable:
            os.fsync(file.fileno())


def _recover(copy: Path) -> None:
    try:
        with closing(apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # no shared memory for a private file
            # A write transaction makes SQLite recover first. Neither statement reads the schema, so this also works
            # for a schema that only a newer SQLite understands.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.FullError as error:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(copy)) from error
    except (apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError) as error:
        raise SourceCorrupt(
            f"SQLite cannot recover a copy of the database: {error}",
            hint="Take the backup again; if this happens again, restore the newest good backup.",
        ) from error
