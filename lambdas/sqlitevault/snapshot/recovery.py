"""Making a copy one sound file: SQLite recovers what a journal or a log beside it holds."""

import errno
import os
from contextlib import closing
from pathlib import Path

import apsw

from sqlitevault.database.header import HEADER_BYTES, ROLLBACK_VERSIONS, WRITE_VERSION_OFFSET, parse_header
from sqlitevault.ground.errors import SourceCorrupt
from sqlitevault.snapshot.attempt import Copied
from sqlitevault.snapshot.fresh import beside
from sqlitevault.snapshot.journal import require_single_file


def settle(copy: Path, copied: Copied, *, durable: bool = True) -> None:
    """Recover the copy, put it in rollback mode, and sync it if `durable`; no journal and no log is left beside it.

    Raises:
        SourceCorrupt: SQLite cannot recover it, or what comes out is not a database.
        SourceUnsupported: its journal belongs to a transaction over several files.
        OSError: the disk is full, or fails.
    """
    if copied.hot_journal:
        require_single_file(beside(copy, "-journal"))
    if copied.hot_journal or copied.wal_frames:
        _recover(copy)
    for suffix in ("-journal", "-wal", "-shm"):
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
            # A write transaction makes SQLite recover first. Neither statement reads the schema, so a copy whose
            # schema only a newer SQLite understands is recovered as well.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.FullError as error:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(copy)) from error
    except (apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError) as error:
        raise SourceCorrupt(
            f"SQLite cannot recover a copy of the database: {error}",
            hint="Take the backup again; if this comes up again, restore the newest good backup.",
        ) from error
