"""File operations of a restore, each durable when it returns."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlitevault.ground import files
from sqlitevault.ground.errors import TargetUnwritable

_COPY_BLOCK = 8 << 20
_PUBLIC = 0o666  # less the umask


@contextmanager
def _mount_reported(target: Path) -> Iterator[None]:
    """Raise TargetUnwritable if `target` is mounted as a single file, which cannot be replaced by a rename."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        raise TargetUnwritable(
            f"{target} cannot be replaced: it is mounted as a single file",
            hint="Mount its folder instead of the file, or restore elsewhere with --target and copy it by hand.",
        ) from error


def move(source: Path, target: Path) -> None:
    """Rename within a file system; `target` is replaced in one step.

    Raises:
        TargetUnwritable: `target` is a mount of its own.
    """
    with _mount_reported(target):
        files.move(source, target)


def copy(source: Path, target: Path) -> None:
    """Copy a file whole or not at all, with its mode and owner.

    Raises:
        TargetUnwritable: `target` is a mount of its own, or would belong to another user.
    """
    with _mount_reported(target), source.open("rb") as reading, files.whole_file(target) as writing:
        shutil.copyfileobj(reading, writing, _COPY_BLOCK)
        like(source, Path(writing.name))


def like(model: Path, path: Path) -> None:
    """Give `path` the mode and owner of `model`, and its group if permitted.

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
    """Write a file whole or not at all; it keeps the mode and owner of the one it replaces.

    Raises:
        TargetUnwritable: `path` is a mount of its own, or would belong to another user.
    """
    with _mount_reported(path), files.whole_file(path, mode=_PUBLIC) as writing:
        writing.write(content)
        if path.exists():
            like(path, Path(writing.name))
