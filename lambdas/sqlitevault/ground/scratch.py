"""Private working directories. They are removed at the end, and those of killed owners by the next one."""

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

    Directories of killed owners are removed first: an owner holds a lock for as long as it runs.

    Raises:
        ScratchFull: fewer than `needed_bytes` are free, or the disk fills up during the work.
        ConfigError: `parent` cannot be created or written.
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
            hint="Set SCRATCH_DIR to a folder that this user can write.",
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
        return  # its owner is running


def _remove(directory: Path) -> None:
    """Remove the lock last: if this process is killed meanwhile, the next one finds the directory abandoned."""
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _LOCK:
            path.unlink(missing_ok=True)
    shutil.rmtree(directory, ignore_errors=True)


def _remove_if_old_and_empty(directory: Path) -> None:
    """Remove the directory of an owner that was killed before it took its lock, but not of one about to take it."""
    try:
        if time.time() - directory.stat().st_mtime > _GRACE_SECONDS:
            directory.rmdir()
    except OSError:
        return  # not one of ours
