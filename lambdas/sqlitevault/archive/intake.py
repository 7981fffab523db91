"""Unpacked members: checked by name and size, then hashed and written to a new folder.

Nothing is overwritten, and after an error the folder is empty again.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sqlitevault.archive import limits
from sqlitevault.archive.members import require_safe_path
from sqlitevault.archive.refusals import shown, unsafe
from sqlitevault.archive.tar_stream import Entry
from sqlitevault.catalog.manifest import File
from sqlitevault.catalog.names import is_backup_id
from sqlitevault.ground.errors import TargetExists
from sqlitevault.ground.files import full_disk_reported, require_free, sync

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


class Intake:
    """The members of one archive. Without a folder they are only hashed."""

    def __init__(self, folder: NewFolder | None, wanted: Callable[[str], bool], max_bytes: int | None = None) -> None:
        """Write the members that are `wanted` (by path within the top folder) into `folder`."""
        self.top = ""
        self.files: dict[str, File] = {}
        self.max_bytes = max_bytes
        self._folder = folder
        self._wanted = wanted
        self._folders: set[str] = set()
        self._implied_folders: set[str] = set()
        self._bytes = 0

    def accept(self, entry: Entry) -> str:
        """Check name and size of an entry and return its path within the top folder ("" for that folder itself).

        Raises:
            ArchiveUnsafe: the name leads elsewhere, a second top folder, a duplicate, or more than `max_bytes`.
        """
        require_safe_path(entry.path)
        top, _, path = entry.path.partition("/")
        self._require_top(top)
        if not path and not entry.is_folder:
            raise unsafe(f"the archive has a file {shown(top)} beside or instead of its top folder")
        self._require_new(path, entry)
        self._bytes += entry.size
        if self.max_bytes is not None and self._bytes > self.max_bytes:
            raise unsafe(f"the archive unpacks to more than the {self.max_bytes:,} bytes allowed")
        return path

    def receive(self, path: str, entry: Entry, *, keep: int = 0) -> bytes:
        """Hash an accepted file, write it if wanted, and return its first `keep` bytes.

        Raises:
            ArchiveUnsafe, ChecksumMismatch: the archive ends or is damaged within the file.
            ScratchFull: the disk is too small for it.
        """
        digest = hashlib.sha256()
        kept = bytearray()

        def passing() -> Iterator[bytes]:
            for part in entry.content:
                digest.update(part)
                kept.extend(part[: keep - len(kept)])
                yield part

        if self._folder is not None and self._wanted(path):
            require_free(self._folder.root, entry.size)
            self._folder.write(f"{self.top}/{path}", passing())
        for _unwritten in passing():
            pass
        self.files[path] = File(path=path, bytes=entry.size, sha256=digest.hexdigest())
        return bytes(kept)

    def receive_small(self, path: str, entry: Entry) -> bytes:
        """Receive a file and return its whole content.

        Raises:
            ArchiveUnsafe: it is too large for its name; otherwise as `receive`.
        """
        if entry.size > limits.SMALL_MEMBER:
            raise unsafe(f"the archive's {path} has {entry.size:,} bytes")
        return self.receive(path, entry, keep=entry.size)

    def require_room(self, files: Iterator[File]) -> None:
        """Check that the wanted files among these fit on the disk.

        Raises:
            ScratchFull: they do not.
        """
        if self._folder is not None:
            require_free(self._folder.root, sum(file.bytes for file in files if self._wanted(file.path)))

    def _require_top(self, top: str) -> None:
        if not self.top and is_backup_id(top):
            self.top = top
        if top != self.top:
            wrong = "a second top folder" if self.top else "a top folder that is not named for a backup"
            raise unsafe(f"the archive has {wrong}: {shown(top)}")

    def _require_new(self, path: str, entry: Entry) -> None:
        above = {str(folder) for folder in PurePosixPath(path).parents} - {"."}
        is_folder_already = path in self._folders or (path in self._implied_folders and not entry.is_folder)
        if path in self.files or is_folder_already or above & self.files.keys():
            raise unsafe(f"the archive has {shown(path)} twice, or as a file and as a folder")
        self._implied_folders |= above
        if entry.is_folder:
            self._folders.add(path)
