"""A consistent private copy of a live database that another host is writing.

Plain copying of a database in use gives a torn file, and SQLite's own backup interface must not be used on a network
file system from a second host. `take_snapshot` opens the source read-only, chooses a protocol by what the source is,
and hands out only what that protocol proves consistent. The argument: docs/consistency.md.
"""

import os
import time
from pathlib import Path

from sqlitevault.database.header import not_found
from sqlitevault.snapshot.attempt import Attempt
from sqlitevault.snapshot.choice import Choice
from sqlitevault.snapshot.fresh import force_sync
from sqlitevault.snapshot.options import DEFAULTS, Method, OnBytes, SnapshotOptions, SnapshotResult, ignore_bytes
from sqlitevault.snapshot.workplace import workplace

__all__ = ["Method", "SnapshotOptions", "SnapshotResult", "take_snapshot"]


def take_snapshot(
    source: Path, destination: Path, options: SnapshotOptions = DEFAULTS, *, on_bytes: OnBytes = ignore_bytes
) -> SnapshotResult:
    """Copy a live database as it was at one moment, no older than its last commit before this call.

    Of a database in WAL mode with synchronous=NORMAL on NFS: the last commit that its writer's host has sent.

    The source's folder is not written to and no file in it is opened for writing. What is not checked here: that
    SQLite finds the content sound (`sqlitevault.database.checks`). Not for a process that has the source open with
    SQLite itself: closing a file releases the POSIX locks that SQLite holds on it in the same process.

    Args:
        source: the database file; its journal and log are found beside the file that symbolic links lead to.
        destination: must not exist. Afterwards one file in rollback mode, synced if `options.durable`, or nothing.
        options: limits.
        on_bytes: hears of the database's bytes as they are copied, of each but once, in this thread.

    Raises:
        SourceNotFound: there is no such database, or it may not be read.
        SourceBusy: no consistent copy within the time and the stall allowed.
        SourceCorrupt: the file is empty or no database, or what lies beside it contradicts it.
        SourceUnsupported: file locks do not work there, a crashed transaction spanned several databases, or the
            format is newer than any known one.
        ScratchFull: the disk of the destination is too small.
        TargetExists: the destination is there already.
    """
    started = time.monotonic()
    real = Path(os.path.realpath(source))
    with workplace(destination, _size(real), durable=options.durable) as copy:
        attempt = Attempt(real, copy, options, deadline=started + options.timeout_seconds, on_bytes=on_bytes)
        taken = Choice(attempt).take()
        size = copy.stat().st_size
    return SnapshotResult(
        method=taken.method.value,
        attempts=taken.attempts,
        seconds=time.monotonic() - started,
        writer_stall_seconds=attempt.observations.longest_hold,
        journal_mode=taken.journal_mode,
        bytes=size,
        recovered=taken.recovered,
    )


def _size(source: Path) -> int:
    try:
        force_sync(source.parent)  # it may just have been made
        return source.stat().st_size
    except OSError as error:
        raise not_found(source) from error
