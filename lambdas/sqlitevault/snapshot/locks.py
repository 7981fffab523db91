"""SQLite's locks, taken and tested on read-only descriptors (https://www.sqlite.org/lockingv3.html, src/os_unix.c).

Open-file-description locks (fcntl(2), F_OFD_SETLK) conflict with the POSIX locks that SQLite takes, but belong to the
descriptor: closing another descriptor of the same file does not release them. The reverse does not hold: closing any
descriptor releases all POSIX locks that this process holds on the file.
"""

import errno
import fcntl
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from sqlitevault.ground.errors import SourceUnsupported
from sqlitevault.snapshot.attempt import Again
from sqlitevault.snapshot.fresh import Replaced, Vanished, beside, fresh_open

# Bytes of the database file (src/os.h), at 1 GiB on a page that never holds data.
PENDING = (0x40000000, 1)
RESERVED = (0x40000001, 1)
SHARED = (0x40000002, 510)
# Bytes of the -shm file (https://www.sqlite.org/walformat.html#wal_locks).
WAL_READ_0 = (123, 1)
WAL_READ_4 = (127, 1)
WAL_OPEN = (128, 1)

_FLOCK = struct.Struct("hhqqi4x")
_POLL_SECONDS = 0.005
_WRITER = "a writer holds the database's lock"
_UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)

Range = tuple[int, int]


class Locked(Again):
    """Another program holds a conflicting lock."""


def _fcntl(descriptor: int, command: int, kind: int, where: Range) -> bytes:
    start, length = where
    try:
        return fcntl.fcntl(descriptor, command, _FLOCK.pack(kind, os.SEEK_SET, start, length, 0))
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        raise SourceUnsupported(
            "the database's file system does not support file locks",
            hint="Mount it with locks (for NFS: version 4, without nolock or local_lock); SQLite itself needs them.",
        ) from error


def try_read_lock(descriptor: int, where: Range) -> bool:
    """Take a read lock without waiting; return whether it was free.

    Raises:
        PermissionError: the server does not let this host lock; for a lock that is taken, Linux has BlockingIOError.
    """
    try:
        _fcntl(descriptor, fcntl.F_OFD_SETLK, fcntl.F_RDLCK, where)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int, where: Range) -> None:
    """Release a lock of this descriptor."""
    _fcntl(descriptor, fcntl.F_OFD_SETLK, fcntl.F_UNLCK, where)


def holder(descriptor: int, where: Range, wanted: int = fcntl.F_WRLCK) -> int | None:
    """Return the kind (F_RDLCK or F_WRLCK) of another program's lock that excludes the `wanted` one, if any."""
    try:
        answer = _fcntl(descriptor, fcntl.F_OFD_GETLK, wanted, where)
    except PermissionError as error:
        raise SourceUnsupported(
            "this host is not allowed to see the locks on the database",
            hint="Let the role or user that takes backups read and lock files on the server, as the application can.",
        ) from error
    kind = _FLOCK.unpack(answer)[0]
    return None if kind == fcntl.F_UNLCK else int(kind)


def write_locked(descriptor: int) -> bool:
    """Return whether a writer holds PENDING or EXCLUSIVE on this database: it may be writing the file."""
    return any(holder(descriptor, where, fcntl.F_RDLCK) is not None for where in (PENDING, SHARED))


def reserved(descriptor: int) -> bool:
    """Return whether a writer holds RESERVED on this database: the journal is that of a live writer."""
    return holder(descriptor, RESERVED) is not None


def require_no_writer(descriptor: int) -> None:
    """Raise if a writer has locked readers out of the database.

    Raises:
        Locked: it has.
    """
    if write_locked(descriptor):
        raise Locked(_WRITER)


def shared_lock(descriptor: int, deadline: float) -> AbstractContextManager[None]:
    """Hold SQLite's SHARED lock: no program writes the database file meanwhile.

    Taken as SQLite does (unixLock in src/os_unix.c): PENDING first, so that a waiting writer gets its turn.

    Raises:
        Locked: a writer did not release its lock before the deadline.
        Again: this host may not lock.
    """
    return _held(descriptor, SHARED, partial(_try_shared, descriptor), deadline, _WRITER)


def _try_shared(descriptor: int) -> bool:
    if not try_read_lock(descriptor, PENDING):
        return False
    try:
        return try_read_lock(descriptor, SHARED)
    finally:
        unlock(descriptor, PENDING)


def read_lock(descriptor: int, where: Range, deadline: float) -> AbstractContextManager[None]:
    """Hold a read lock on some bytes of the -shm file.

    Raises:
        Locked: another program did not release its lock before the deadline.
        Again: this host may not lock.
    """
    locked = f"byte {where[0]} of the -shm file is locked"
    return _held(descriptor, where, partial(try_read_lock, descriptor, where), deadline, locked)


@contextmanager
def _held(descriptor: int, where: Range, take: Callable[[], bool], deadline: float, locked: str) -> Iterator[None]:
    try:
        while not take():
            if time.monotonic() >= deadline:
                raise Locked(locked)
            time.sleep(_POLL_SECONDS)
    except PermissionError as error:
        raise Again("the server does not let this host lock files") from error  # another method needs no lock
    try:
        yield
    finally:
        unlock(descriptor, where)


def connections_seen(database: Path) -> tuple[str, ...]:
    """Describe the locks of connections to a database, from other hosts too; read-only.

    An idle connection in rollback mode holds no lock and is not seen.
    """
    try:
        with fresh_open(database) as descriptor:
            seen = [text for where, text in _DATABASE_LOCKS if holder(descriptor, where) is not None]
    except Vanished:
        return ()
    except Replaced:
        return ("a program that is replacing the file",)
    if _shared_memory_open(database):
        seen.append("a connection that has the database open in WAL mode")
    return tuple(seen)


_DATABASE_LOCKS = (
    (SHARED, "a connection that reads, or has the database open in WAL mode (SHARED or EXCLUSIVE lock)"),
    (RESERVED, "a connection that writes (RESERVED lock)"),
    (PENDING, "a connection that is about to write (PENDING lock)"),
)


def wal_open(database: Path) -> bool:
    """Return whether a connection on any host has this database open in WAL mode.

    In exclusive locking mode it has an exclusive lock instead of a -shm file.
    """
    with fresh_open(database) as descriptor:
        return write_locked(descriptor) or _shared_memory_open(database)


def _shared_memory_open(database: Path) -> bool:
    try:
        with fresh_open(beside(database, "-shm")) as descriptor:
            return holder(descriptor, WAL_OPEN) is not None
    except Vanished:
        return False
