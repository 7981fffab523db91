"""Untrusted files in a new folder: nothing is overwritten, and after an error the folder is empty again."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlitevault.ground.errors import TargetExists
from sqlitevault.ground.files import full_disk_reported, sync

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class NewFolder:
    """New files below `root` with mode 0600, in new folders with mode 0700."""

    def __init__(self, root: Path) -> None:
        """Write below `root`, an empty folder."""
        self.root = root
        self._folders = {root}

    def write(self, path: str, content: Iterable[bytes]) -> None:
        """Write and sync a file that must not exist. The caller has proven that `path` is safe.

        Raises:
            OSError: the file exists or cannot be written.
        """
        target = self.root / path
        self._make(target.parent)
        with os.fdopen(os.open(target, _NEW_FILE, 0o600), "wb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())

    def sync(self) -> None:
        """Sync the folders, so that the names of the files survive a crash."""
        for folder in self._folders:
            sync(folder)

    def _make(self, folder: Path) -> None:
        if folder not in self._folders:
            self._make(folder.parent)
            folder.mkdir(mode=0o700)
            self._folders.add(folder)


@contextmanager
def new_folder(root: Path) -> Iterator[NewFolder]:
    """Give a folder to write into; its files are synced at the end, and removed after any error.

    Raises:
        TargetExists: `root` is not an empty folder.
        ScratchFull: the disk fills up.
    """
    made = _make_root(root)
    try:
        with full_disk_reported(root):
            folder = NewFolder(root)
            yield folder
            folder.sync()
    except BaseException:
        _empty(root)
        if made:
            root.rmdir()
        raise


def _make_root(root: Path) -> bool:
    try:
        root.mkdir(mode=0o700)
    except FileExistsError:
        if root.is_symlink() or not root.is_dir() or any(root.iterdir()):
            raise TargetExists(
                f"{root} is not an empty folder", hint="Unpack into a new folder: nothing is ever overwritten."
            ) from None
        return False
    return True


def _empty(root: Path) -> None:
    for child in root.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()
