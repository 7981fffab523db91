"""A consistent private copy of a live database that another host is writing.

A plain copy of a database in use is torn, and SQLite's own backup interface must not be used on a network file system
from a second host. `take_snapshot` opens the source read-only, chooses a protocol that suits it, and returns only a
copy that this protocol proves consistent. docs/consistency.md has the argument.
"""

import os
import time
from pathlib import Path

from sqlitevault.database.header import not_found
from sqlitevault.ground.steps import OnBytes, ignore_bytes
from sqlitevault.snapshot.attempt import Attempt
from sqlitevault.snapshot.choice import Choice
from sqlitevault.snapshot.fresh import force_sync
from sqlitevault.snapshot.options import DEFAULTS, Method, SnapshotOptions, SnapshotResult
from sqlitevault.snapshot.working_copy import workplace

__all__ = ["Method", "SnapshotOptions", "SnapshotResult", "take_snapshot"]


def take_snapshot(
    source: Path, destination: Path, options: SnapshotOptions = DEFAULTS, *, on_bytes: OnBytes = ignore_bytes
) -> SnapshotResult:
    """Copy a live database as it was at one moment, no older than its last commit before this call.

    In WAL mode with synchronous=NORMAL on NFS: no older than the last commit that the writer's host has sent.

    Nothing is written to the source's folder, and no file there is opened for writing. Not checked here: whether
    SQLite finds the content sound (`sqlitevault.database.checks`). Must not run in a process that has the source open
    with SQLite itself: closing a file releases the POSIX locks that SQLite holds on it in the same process.

    Args:
        source: the database file; its journal and log lie beside the file that symbolic links lead to.
        destination: must not exist. Afterwards one file in rollback mode, synced if `options.durable`, or nothing.
        options: limits.
        on_bytes: called in this thread as bytes of the database are copied, once for each byte.

    Raises:
        SourceNotFound: the database does not exist or may not be read.
        SourceBusy: no consistent copy within the allowed time and stall.
        SourceCorrupt: the file is empty or not a database, or a file beside it contradicts it.
        SourceUnsupported: file locks do not work there, a crashed transaction spanned several databases, or the
            format is newer than this version reads.
        ScratchFull: the destination's disk is too small.
        TargetExists: the destination already exists.
    """
    started = time.monotonic()
    real = Path(os.path.realpath(source))
    with workplace(destination, _size(real), durable=options.durable) as copy:
        attempt = Attempt(real, copy, options, deadline=started + options.timeout_seconds, on_bytes=on_bytes)
        taken = Choice(attempt).take()
    return SnapshotResult(
        method=taken.method.value,
        attempts=taken.attempts,
        seconds=time.monotonic() - started,
        writer_stall_seconds=attempt.observations.longest_hold,
        journal_mode=taken.journal_mode,
        recovered=taken.recovered,
    )


def _size(source: Path) -> int:
    try:
        force_sync(source.parent)  # the database may just have been created
        return source.stat().st_size
    except OSError as error:
        raise not_found(source) from error
