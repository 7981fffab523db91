"""The private folder beside the destination in which a copy is made; gone afterwards in every case."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlitevault.ground.errors import ScratchFull, TargetExists
from sqlitevault.snapshot.fresh import beside

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NAME = "database"


@contextmanager
def workplace(destination: Path, needed_bytes: int, *, durable: bool = True) -> Iterator[Path]:
    """Give the path of the copy to be made; put it in place, and sync its name if `durable`, if the body ends well.

    Raises:
        TargetExists: the destination is there already, or a journal or log that SQLite would apply to it.
        ScratchFull: the disk is too small, or filled up.
    """
    _require_free_names(destination)
    with _full_disk_reported(destination.parent):
        _require_space(destination.parent, needed_bytes)
        folder = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
        try:
            yield folder / _NAME
            (folder / _NAME).rename(destination)
            if durable:
                _sync_folder(destination.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def clear(copy: Path) -> None:
    """Remove what an earlier attempt left."""
    for leftover in copy.parent.iterdir():
        leftover.unlink()


def _require_free_names(destination: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        taken = beside(destination, suffix)
        if taken.exists():
            raise TargetExists(f"{taken} exists", hint="Move it away, or choose another destination.")


def _require_space(folder: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise _full(folder, f"{needed_bytes:,} bytes are needed, {free:,} are free")


@contextmanager
def _full_disk_reported(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full(folder, "it filled up during the copy") from error
        raise


def _full(folder: Path, why: str) -> ScratchFull:
    return ScratchFull(
        f"not enough disk in {folder}: {why}",
        hint="Free space there, or set SCRATCH_DIR to a larger disk (for a function: its ephemeral storage).",
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
