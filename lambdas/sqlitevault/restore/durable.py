"""The few file operations a restore is made of, each durable when it returns."""

import errno
import os
import shutil
import stat
from pathlib import Path

from sqlitevault.ground.errors import TargetUnwritable

_COPY_BLOCK = 8 << 20
_PRIVATE = 0o600


def sync_directory(directory: Path) -> None:
    """Make renames in `directory` survive a power loss (fsync(2) on the directory)."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the content of `path` survive a power loss."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(source: Path, target: Path) -> None:
    """Rename within a file system; what was at `target` is replaced in one step.

    Raises:
        TargetUnwritable: `target` is a mount of its own.
    """
    try:
        source.replace(target)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        raise TargetUnwritable(
            f"{target} cannot be replaced: it is mounted as a single file",
            hint="Mount its folder instead of the file, or restore elsewhere with --target and copy it by hand.",
        ) from error
    sync_directory(target.parent)
    if source.parent != target.parent:
        sync_directory(source.parent)


def copy(source: Path, target: Path) -> None:
    """Copy a file whole or not at all; `target` appears in one step."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    private = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
    with source.open("rb") as reading, os.fdopen(private, "wb") as writing:
        shutil.copyfileobj(reading, writing, _COPY_BLOCK)
        writing.flush()
        os.fsync(writing.fileno())
    like(source, unfinished)
    move(unfinished, target)


def like(model: Path, path: Path) -> None:
    """Give `path` the mode and the owner of `model`, and its group where we may.

    Raises:
        TargetUnwritable: it would belong to another user, who may be the only one to read it.
    """
    wanted, present = model.stat(), path.stat()
    if stat.S_IMODE(wanted.st_mode) != stat.S_IMODE(present.st_mode):
        path.chmod(stat.S_IMODE(wanted.st_mode))
    if (wanted.st_uid, wanted.st_gid) == (present.st_uid, present.st_gid):
        return
    try:
        os.chown(path, wanted.st_uid, wanted.st_gid)
    except PermissionError as error:
        if wanted.st_uid == present.st_uid:
            return
        raise TargetUnwritable(
            f"{model} belongs to user {wanted.st_uid}, what is restored would belong to user {present.st_uid}",
            hint="Restore as the user who owns the database, or as root.",
        ) from error


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as writing:
        writing.write(content)
        writing.flush()
        os.fsync(writing.fileno())
    if path.exists():
        like(path, unfinished)
    move(unfinished, path)
