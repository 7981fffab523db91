"""A vault in a directory."""

import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sqlitevault.ground.errors import BackupNotFound, ChecksumMismatch, VaultUnavailable
from sqlitevault.ground.files import full_disk_reported, in_home, sync, whole_file
from sqlitevault.ground.steps import OnBytes, ignore_bytes
from sqlitevault.vault.objects import already_exists, not_found, require_name, too_long
from sqlitevault.vault.protocol import Capabilities, Protection, StoredObject

_BLOCK = 4 << 20
_UNFINISHED = ".unfinished-"
_PRIVATE = 0o700  # backups hold key hashes


class DirectoryVault:
    """Keeps the promises of `Vault` in a local directory, which is created when something is first stored."""

    capabilities = Capabilities()

    def __init__(self, location: str | Path) -> None:
        """Keep objects below this directory; `~` is the home directory."""
        self._root = in_home(location)

    @property
    def location(self) -> str:
        """The directory, as it was given."""
        return str(self._root)

    def upload(self, name: str, source: Path, *, sha256: str, on_bytes: OnBytes = ignore_bytes) -> StoredObject:
        """Copy the file, compare its checksum, and only then give it its name."""
        with self._writing(name) as out, source.open("rb") as reading:
            found = _copy(reading, out, on_bytes)
            if found != sha256:
                raise ChecksumMismatch(
                    f"{source.name} has SHA-256 {found}, expected {sha256}",
                    hint="The file changed during the copy; run it again.",
                )
        return self._stored(name)

    def create(self, name: str, content: bytes) -> StoredObject:
        """Link the finished file to its name, which fails if the name is taken (link(2))."""
        with self._writing(name, new=True) as out:
            out.write(content)
        return self._stored(name)

    def replace(self, name: str, content: bytes) -> StoredObject:
        """Rename the finished file to its name."""
        with self._writing(name) as out:
            out.write(content)
        return self._stored(name)

    def objects(self, under: str = "") -> Iterator[StoredObject]:
        """Walk the directory without following links, so nothing outside it is listed."""
        with _errors_named(self.location):
            names = sorted(name for name in self._walk(under) if name.startswith(under) and not _is_unfinished(name))
        for name in names:
            with suppress(BackupNotFound):  # deleted since, or a link
                yield self._stored(name)

    def read(self, name: str, *, limit: int, version: str | None = None) -> bytes:
        """Read at most one byte more than allowed."""
        with self._opened(name, version) as reading:
            content = reading.read(limit + 1)
        if len(content) > limit:
            raise too_long(name, limit)
        return content

    def download(self, name: str, target: Path, *, version: str | None = None, on_bytes: OnBytes = ignore_bytes) -> str:
        """Copy the file out."""
        with self._opened(name, version) as reading, target.open("xb") as out:
            try:
                with full_disk_reported(target.parent):
                    found = _copy(reading, out, on_bytes)
                    out.flush()
                    os.fsync(out.fileno())
            except BaseException:
                target.unlink(missing_ok=True)
                raise
            return found

    def delete(self, name: str) -> None:
        """Unlink the file."""
        with _errors_named(self.location), suppress(BackupNotFound):
            self._stored(name)
            self._path(name).unlink(missing_ok=True)

    def versions(self, name: str) -> Iterator[StoredObject]:
        """Yield the only one."""
        with suppress(BackupNotFound):
            yield self._stored(name)

    def replication_status(self, name: str) -> str | None:
        """Return None: a directory is not replicated."""
        self._stored(name)
        return None

    def protection(self) -> Protection:
        """Return that a directory protects nothing."""
        return Protection(versioned=False, lock_mode=None, lock_days=None, expiry_days=())

    def sweep(self, older_than_seconds: float) -> int:
        """Delete old temporary files."""
        limit = time.time() - older_than_seconds
        with _errors_named(self.location):
            return sum(_deleted_if_older(self._root / name, limit) for name in self._walk() if _is_unfinished(name))

    def _walk(self, under: str = "") -> Iterator[str]:
        """Yield the names of files, also temporary ones, in every folder that may hold names beginning with `under`."""
        for folder, folders, files in os.walk(self._root, onerror=_raise_unless_gone):
            above = "" if folder == str(self._root) else f"{Path(folder).relative_to(self._root).as_posix()}/"
            # A backup can be named by its path, so the "vault" may be a home directory: do not walk all of it.
            folders[:] = [name for name in folders if _may_hold(f"{above}{name}/", under)]
            yield from (above + file for file in files)

    def _path(self, name: str) -> Path:
        return self._root / require_name(name)

    def _stored(self, name: str) -> StoredObject:
        path = self._path(name)
        with _errors_named(self.location):
            try:
                facts = path.lstat()
            except (FileNotFoundError, NotADirectoryError) as error:
                if self._root.exists() and not self._root.is_dir():
                    raise
                raise not_found(name, self.location) from error
        if not stat.S_ISREG(facts.st_mode):
            raise not_found(name, self.location)
        return StoredObject(name, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))

    @contextmanager
    def _opened(self, name: str, version: str | None) -> Iterator[BinaryIO]:
        if version is not None:
            raise BackupNotFound(f"{self.location} keeps no versions", hint="Omit the version.")
        self._stored(name)
        with _errors_named(self.location):
            try:
                descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError as error:
                raise not_found(name, self.location) from error
        with os.fdopen(descriptor, "rb") as reading:
            yield reading

    @contextmanager
    def _writing(self, name: str, *, new: bool = False) -> Iterator[BinaryIO]:
        """Give a file to write that becomes the object if the body ends well."""
        target = self._path(name)
        with _errors_named(self.location):
            _make_folders(target.parent)
            try:
                temporary = target.with_name(f"{_UNFINISHED}{secrets.token_hex(8)}")
                with whole_file(target, new=new, temporary=temporary) as out:
                    yield out
            except FileExistsError as error:
                raise already_exists(name, self.location) from error


def _is_unfinished(name: str) -> bool:
    return PurePosixPath(name).name.startswith(_UNFINISHED)


def _raise_unless_gone(error: OSError) -> None:
    """Raise if a folder cannot be read: unseen backups must not look like missing ones."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _deleted_if_older(path: Path, limit: float) -> bool:
    try:
        if path.lstat().st_mtime > limit:
            return False
        path.unlink()
    except FileNotFoundError:  # its writer has finished
        return False
    return True


def _make_folders(folder: Path) -> None:
    """Make missing folders, durable and each private, which `mkdir(parents=True)` does not."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(mode=_PRIVATE, exist_ok=True)
    sync(folder.parent)


def _may_hold(folder: str, under: str) -> bool:
    return folder.startswith(under) or under.startswith(folder)


def _copy(reading: BinaryIO, out: BinaryIO, on_bytes: OnBytes) -> str:
    digest = hashlib.sha256()
    while block := reading.read(_BLOCK):
        digest.update(block)
        out.write(block)
        on_bytes(len(block))
    return digest.hexdigest()


@contextmanager
def _errors_named(location: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise VaultUnavailable(
            f"the vault {location} cannot be used: {error.strerror}",
            hint=f"Check that {error.filename or location} is mounted, has free space, and belongs to this user.",
        ) from error
