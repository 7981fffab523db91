"""A private working directory that is gone afterwards, also when an earlier owner was killed."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.files import full_disk_reported, require_free

PREFIX = "sqlitevault-"
_LOCK = "owner.lock"
_GRACE_SECONDS = 60


@contextmanager
def scratch_directory(parent: Path | None, *, needed_bytes: int = 0) -> Iterator[Path]:
    """Give a new directory below `parent` (default: the system's temporary directory) and remove it at the end.

    Directories left by killed owners are removed first: a living owner holds a lock that dies with it.

    Raises:
        ScratchFull: there are fewer than `needed_bytes` free, or the disk fills up during the work.
        ConfigError: nothing can be put into `parent`.
    """
    base = parent or Path(tempfile.gettempdir())
    made = _make(base, needed_bytes)
    with full_disk_reported(base), (made / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield made
        finally:
            _remove(made)


def _make(base: Path, needed_bytes: int) -> Path:
    try:
        with full_disk_reported(base):
            base.mkdir(parents=True, exist_ok=True)
            _clear_abandoned(base)
            require_free(base, needed_bytes)
            return Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    except OSError as error:
        raise ConfigError(
            f"the working folder {base} cannot be used: {error.strerror}",
            hint="Set SCRATCH_DIR to a folder that the user who runs this can write.",
        ) from error


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
