"""A private working directory that is gone afterwards, also when an earlier owner was killed."""

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlitevault.ground.errors import ConfigError, ScratchFull

PREFIX = "sqlitevault-"
_LOCK = "owner.lock"
_GRACE_SECONDS = 60
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # EFBIG: ulimit -f, or a file system of small files


@contextmanager
def scratch_directory(parent: Path | None, *, needed_bytes: int = 0) -> Iterator[Path]:
    """Give a new directory below `parent` (default: the system's temporary directory) and remove it at the end.

    Directories left by killed owners are removed first: a living owner holds a lock that dies with it.

    Raises:
        ScratchFull: there are fewer than `needed_bytes` free, or the disk fills up during the work.
        ConfigError: nothing can be put into `parent`.
    """
    base = parent or Path(tempfile.gettempdir())
    try:
        made = _make(base, needed_bytes)
        with (made / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                yield made
            finally:
                _remove(made)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _full(base, "the disk filled up during the work") from error
        raise


def _make(base: Path, needed_bytes: int) -> Path:
    try:
        base.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(base)
        require_free(base, needed_bytes)
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        raise ConfigError(
            f"the working folder {base} cannot be used: {error.strerror}",
            hint="Set SCRATCH_DIR to a folder that the user who runs this can write.",
        ) from error


def require_free(directory: Path, needed_bytes: int) -> None:
    """Make sure that `needed_bytes` are free where `directory` lies.

    Raises:
        ScratchFull: they are not.
    """
    free = shutil.disk_usage(directory).free
    if free < needed_bytes:
        raise _full(directory, f"{needed_bytes:,} bytes are needed, {free:,} are free")


def _full(directory: Path, why: str) -> ScratchFull:
    return ScratchFull(
        f"not enough disk in {directory}: {why}",
        hint="Free space there, or set SCRATCH_DIR to a larger disk (for a function: its ephemeral storage).",
    )


def _clear_abandoned(base: Path) -> None:
    for left in base.glob(PREFIX + "*"):
        if left.is_dir() and not left.is_symlink() and left.stat().st_uid == os.geteuid():
            _remove_if_abandoned(left)


def _remove_if_abandoned(directory: Path) -> None:
    try:
        with (directory / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(directory)
    except FileNotFoundError:
        _remove_if_old_and_empty(directory)
    except BlockingIOError:
        return  # its owner lives


def _remove(directory: Path) -> None:
    """Remove the lock last: who is killed in the middle leaves a directory that the next one knows as abandoned."""
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _LOCK:
            path.unlink(missing_ok=True)
    shutil.rmtree(directory, ignore_errors=True)


def _remove_if_old_and_empty(directory: Path) -> None:
    """Remove what an owner left that was killed before it could take its lock; spare one about to take it."""
    try:
        if time.time() - directory.stat().st_mtime > _GRACE_SECONDS:
            directory.rmdir()
    except OSError:
        return  # not one of ours
