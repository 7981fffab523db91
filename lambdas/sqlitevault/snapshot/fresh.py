"""Reads of files that another host changes, past the caches of a network file system's client.

An NFS client trusts its cached directory entries for up to a minute, including *negative* ones: a `-journal` or `-wal`
that the application has just created stays invisible to a plain `open`. `statx` with AT_STATX_FORCE_SYNC (statx(2)) on
the directory makes the client ask the server, and look up the entries of a changed directory again. A new `open`
revalidates the file's data and attributes (close-to-open consistency, RFC 7530 section 10.3.1).
"""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlitevault.database.header import HEADER_BYTES
from sqlitevault.snapshot.attempt import Again

SIDE_FILES = ("-wal", "-shm", "-journal")

_AT_FDCWD = -100
_AT_STATX_FORCE_SYNC = 0x2000
_STATX_BASIC_STATS = 0x7FF
_STATX_BYTES = 256
_STATFS_BYTES = 256
_NFS_MAGIC = 0x6969  # statfs(2)


class Vanished(Again):
    """No file has this name, or no longer."""


class Replaced(Again):
    """A file was deleted or replaced while it was open; the file that has its name now must be opened again."""


class Unreadable(Again):
    """A read failed. Over NFS this also shows that a lock was lost: the lease ended while we held it."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Facts of a file that change whenever it is written or replaced; times are in nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @property
    def identity(self) -> tuple[int, int]:
        """The file's identity, whatever it holds."""
        return (self.device, self.inode)


@dataclass(frozen=True, slots=True)
class View:
    """A file's first bytes and fingerprint. If two views are equal, nothing was written in between."""

    first: bytes
    fingerprint: Fingerprint


def force_sync(path: Path) -> None:
    """Make the client of a network file system fetch the attributes of `path` from the server.

    Raises:
        OSError: as for `os.stat`.
    """
    facts = ctypes.create_string_buffer(_STATX_BYTES)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.statx(_AT_FDCWD, os.fsencode(path), _AT_STATX_FORCE_SYNC, _STATX_BASIC_STATS, facts) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))


def drop_cached_pages(descriptor: int) -> None:
    """Make the next reads of a file on NFS come from the server; do nothing on other file systems.

    An NFS client keeps pages while the file's change attribute stays the same; a server that derives it from a coarse
    clock gives two writes of one tick the same value (RFC 7862, section 12.2.3). Elsewhere the pages are the
    application's own cache.
    """
    if _is_nfs(descriptor):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _is_nfs(descriptor: int) -> bool:
    facts = ctypes.create_string_buffer(_STATFS_BYTES)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fstatfs(descriptor, facts) != 0:
        return False
    return ctypes.c_long.from_buffer(facts).value == _NFS_MAGIC  # f_type is the first field


@contextmanager
def fresh_open(path: Path) -> Iterator[int]:
    """Give a new read-only descriptor of the file that the server has under this name now.

    Raises:
        Vanished: there is none.
        Replaced: the server reports, now or while the descriptor is used, that its handle is stale.
        Unreadable: a read failed.
        OSError: the file cannot be opened for another reason.
    """
    try:
        descriptor = _open(path)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno == errno.ESTALE:
            raise Replaced(f"{path.name} was replaced") from error
        if error.errno == errno.EIO:
            raise Unreadable(f"{path.name} cannot be read: {error.strerror}") from error
        raise


def _open(path: Path) -> int:
    try:
        force_sync(path.parent)
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # never wait for a FIFO
    except FileNotFoundError as error:
        raise Vanished(f"{path.name} does not exist") from error


def fingerprint(descriptor: int) -> Fingerprint:
    """Return the fingerprint of an open file."""
    facts = os.fstat(descriptor)
    return Fingerprint(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def view(descriptor: int) -> View:
    """Return the view of an open file."""
    return View(os.pread(descriptor, HEADER_BYTES, 0), fingerprint(descriptor))


def look(path: Path) -> View:
    """Return the present view of the file under this name.

    Raises:
        Vanished, Replaced, Unreadable: as for `fresh_open`.
    """
    with fresh_open(path) as descriptor:
        return view(descriptor)


def beside(database: Path, suffix: str) -> Path:
    """Return the path of a database's `-journal`, `-wal` or `-shm`."""
    return database.with_name(database.name + suffix)
