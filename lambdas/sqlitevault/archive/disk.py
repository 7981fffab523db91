"""Disk space: asked for before anything is written, and a full disk reported as what it is."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlitevault.ground.errors import ScratchFull


def require_free(directory: Path, needed_bytes: int) -> None:
    """Make sure that `needed_bytes` are free where `directory` lies.

    Raises:
        ScratchFull: they are not.
    """
    free = shutil.disk_usage(directory).free
    if free < needed_bytes:
        raise _full(directory, f"{needed_bytes:,} bytes are needed, {free:,} are free")


@contextmanager
def full_disk_reported(directory: Path) -> Iterator[None]:
    """Turn the operating system's word for a full disk or an exhausted quota into ours.

    Raises:
        ScratchFull: the disk filled up during the work.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise _full(directory, "it filled up during the work") from error
        raise


def _full(directory: Path, why: str) -> ScratchFull:
    return ScratchFull(
        f"not enough disk in {directory}: {why}",
        hint="Free space there, or set SCRATCH_DIR to a larger disk (for a function: its ephemeral storage).",
    )
