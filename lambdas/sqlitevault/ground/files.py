"""Tricks with files, each once: fsync, write-then-rename, checksums, free space, full disks."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sqlitevault.ground.errors import ScratchFull, TargetUnwritable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # EFBIG: ulimit -f, or a file system of small files
_PRIVATE = 0o600
_BUFFER = 64 << 10


def sync(path: Path) -> None:
    """Make a file's content, or the names in a directory, survive a power loss (fsync(2))."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(source: Path, target: Path) -> None:
    """Rename within a file system, durably; replaces `target` in one step."""
    source.replace(target)
    sync(target.parent)
    if source.parent != target.parent:
        sync(source.parent)


@contextmanager
def unfinished(path: Path, *, new: bool = False, durable: bool = True, temporary: Path | None = None) -> Iterator[Path]:
    """Give the path of a file to make; it becomes `path` in one step if the body ends well, else it is removed.

    Args:
        path: the final name; what has it is replaced.
        new: replace nothing.
        durable: sync the file before it gets its name, and the directory afterwards.
        temporary: its name until then, in the same directory, by default `.<name>.unfinished`. What has that name is
            removed, so writers that run at the same time need a name each.

    Raises:
        FileExistsError: `new`, and the name is taken.
    """
    made = temporary or path.with_name(f".{path.name}.unfinished")
    made.unlink(missing_ok=True)
    try:
        yield made
        if durable:
            sync(made)
        if new:
            path.hardlink_to(made)  # link(2) replaces nothing
        else:
            made.replace(path)
        if durable:
            sync(path.parent)
    finally:
        made.unlink(missing_ok=True)


@contextmanager
def whole_file(
    path: Path, *, mode: int = _PRIVATE, new: bool = False, durable: bool = True, temporary: Path | None = None
) -> Iterator[BinaryIO]:
    """Give a file to write that becomes `path` if the body ends well; as `unfinished`. The umask applies to `mode`."""
    with unfinished(path, new=new, durable=durable, temporary=temporary) as made:
        made.touch(mode, exist_ok=False)
        with made.open("wb", _BUFFER) as out:
            yield out


def in_home(path: str | Path) -> Path:
    """Return the path with `~` expanded; as in a shell, that of an unknown user stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser fails for an unknown user


def require_ordinary(path: Path) -> None:
    """Check that `path` is an ordinary file or does not exist: renaming a file over /dev/null would replace the device.

    Raises:
        TargetUnwritable: it is something else.
    """
    if path.exists() and not path.is_file():
        raise TargetUnwritable(f"{path} is not an ordinary file", hint="Name an ordinary file, or a new one.")


def write_whole(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a text file whole or not at all, with this mode whatever the umask. Writers may run at the same time.

    A symbolic link stays one: the file that it names is written.

    Raises:
        TargetUnwritable: the folder is missing, full, or not this user's, or `path` is not an ordinary file; what was
            there stays as it was.
    """
    require_ordinary(path)
    real = Path(os.path.realpath(path))
    temporary = real.with_name(f".{real.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with whole_file(real, temporary=temporary) as out:
            out.write(text.encode())
            os.fchmod(out.fileno(), mode)
    except OSError as error:
        raise TargetUnwritable(
            f"{path} cannot be written: {error.strerror}", hint="Create its folder, and let this user write there."
        ) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def require_free(directory: Path, needed_bytes: int) -> None:
    """Check that `needed_bytes` are free on the file system of `directory`.

    Raises:
        ScratchFull: they are not.
    """
    free = shutil.disk_usage(directory).free
    if free < needed_bytes:
        raise _full(directory, f"{needed_bytes:,} bytes are needed, {free:,} are free")


@contextmanager
def full_disk_reported(directory: Path) -> Iterator[None]:
    """Turn the operating system's errors for a full disk or an exhausted quota into ours.

    Raises:
        ScratchFull: the disk filled up during the body.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full(directory, "it filled up during the work") from error
        raise


def _full(directory: Path, why: str) -> ScratchFull:
    return ScratchFull(
        f"not enough disk in {directory}: {why}",
        hint="Free space there, or set SCRATCH_DIR to a larger disk (for a function: its ephemeral storage).",
    )
