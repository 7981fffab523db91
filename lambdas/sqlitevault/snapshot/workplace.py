"""The private folder beside the destination in which a copy is made; gone afterwards in every case."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlitevault.ground.errors import TargetExists
from sqlitevault.ground.files import full_disk_reported, require_free, sync
from sqlitevault.snapshot.fresh import beside

_NAME = "database"


@contextmanager
def workplace(destination: Path, needed_bytes: int, *, durable: bool = True) -> Iterator[Path]:
    """Give the path of the copy to be made; put it in place, and sync its name if `durable`, if the body ends well.

    Raises:
        TargetExists: the destination is there already, or a journal or log that SQLite would apply to it.
        ScratchFull: the disk is too small, or filled up.
    """
    _require_free_names(destination)
    with full_disk_reported(destination.parent):
        require_free(destination.parent, needed_bytes)
        folder = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
        try:
            yield folder / _NAME
            (folder / _NAME).rename(destination)
            if durable:
                sync(destination.parent)
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
