"""The Vault protocol: where backups live. Its docstrings are its promises; tests/contract holds every vault to them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlitevault.ground.steps import OnBytes, ignore_bytes


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a vault; `name` is relative to the vault's location and uses forward slashes.

    `tag` is another one whenever the content is, where the store has such a thing and tells it.
    """

    name: str
    bytes: int
    modified: datetime
    version: str | None = None
    tag: str | None = field(default=None, compare=False)


def whole_location(location: str) -> str:
    """Return a vault's location so that it says the same wherever it is read: a directory as an absolute path."""
    if "://" in location:
        return location.rstrip("/") + "/"
    return str(Path(location).expanduser().resolve())


def same_place(one: str, other: str) -> bool:
    """Tell whether two locations name one vault, however each is written; a relative one counts from here."""
    return whole_location(one) == whole_location(other)


@dataclass(frozen=True, slots=True)
class Protection:
    """How a vault guards what it holds; `None` where the vault has no such thing.

    `lock_days` is the default retention of Object Lock; `expiry_days` maps a prefix to the days after which its
    current versions expire.
    """

    versioned: bool
    lock_mode: str | None
    lock_days: int | None
    expiry_days: tuple[tuple[str, int], ...]

    def differences(self, found: "Protection") -> tuple[str, ...]:
        """Describe where `found` guards less, or otherwise, than this."""
        differences = [
            f"{name.replace('_', ' ')} is {getattr(found, name)}, deployed as {getattr(self, name)}"
            for name in ("versioned", "lock_mode", "lock_days")
            if getattr(found, name) != getattr(self, name)
        ]
        now = dict(found.expiry_days)
        differences += [
            f"{prefix} expires after {now.get(prefix)} days, deployed as {days}"
            for prefix, days in self.expiry_days
            if now.get(prefix) != days
        ]
        return tuple(differences)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of vault does besides storing objects. Callers decide by these, never by the kind itself.

    Attributes:
        expires_by_itself: the store's own rules remove old backups; elsewhere `backup` prunes.
        has_versions: the store can keep and lock overwritten and deleted versions, see `Vault.protection`.
        replicates: the store copies each object to the replica and reports it, see `Vault.replication_status`.
        deployed: functions fill every tier on schedule, and alarms in AWS watch them.
    """

    expires_by_itself: bool = False
    has_versions: bool = False
    replicates: bool = False
    deployed: bool = False


class Vault(Protocol):
    """A store of named objects that are written once and whole.

    Names are relative paths with forward slashes; a name that is absolute, empty or has an empty, `.` or `..` part
    raises ConfigError. Every method raises VaultUnavailable when the store cannot be reached or refuses, with a
    hint that names what was refused.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this kind of vault does besides storing objects."""
        ...

    @property
    def location(self) -> str:
        """The vault's URI or directory, as a person would type it; an S3 location ends with a slash."""
        ...

    def upload(self, name: str, source: Path, *, sha256: str, on_bytes: OnBytes = ignore_bytes) -> StoredObject:
        """Store the file under `name`, whole or not at all, proven to have this SHA-256 when it arrives.

        An object of that name that is there already is replaced in a directory and kept as an older version in S3.

        Raises:
            ChecksumMismatch: what would be stored has another checksum; nothing is stored under `name`.
        """
        ...

    def create(self, name: str, content: bytes) -> StoredObject:
        """Store `content` under `name` only if nothing is there. Of two at the same time one wins.

        S3 takes the very same content a second time: a retry whose first answer was lost has stored it.

        Raises:
            BackupExists: `name` is taken; what is there stays as it was.
        """
        ...

    def replace(self, name: str, content: bytes) -> StoredObject:
        """Store `content` under `name`, whole or not at all, whatever is there."""
        ...

    def objects(self, under: str = "") -> Iterator[StoredObject]:
        """Yield every object whose name begins with `under`, in order of name; none if there is no such thing.

        Unfinished uploads and temporary files are never among them.
        """
        ...

    def read(self, name: str, *, limit: int, version: str | None = None) -> bytes:
        """Return the object's content, in this version or the newest.

        Raises:
            BackupNotFound: there is no such object, or not in this version.
            ChecksumMismatch: it was damaged on its way.
            ManifestInvalid: it is longer than `limit` bytes, so it is not what the caller takes it for.
        """
        ...

    def download(self, name: str, target: Path, *, version: str | None = None, on_bytes: OnBytes = ignore_bytes) -> str:
        """Write the object to `target` and return the SHA-256 of the bytes written.

        On an error `target` does not exist afterwards, unless it was there before.

        Raises:
            FileExistsError: `target` is there already; it stays as it was.
            BackupNotFound: there is no such object, or not in this version.
            ChecksumMismatch: it was damaged on its way, which not every store can tell: compare what is returned.
            ScratchFull: the disk is too small.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove the object; it is no error if there is none. S3 keeps the version for as long as its rules say."""
        ...

    def versions(self, name: str) -> Iterator[StoredObject]:
        """Yield every version of the object that the vault still has, newest first, also after a delete or overwrite.

        A vault without versions yields the object, or nothing.
        """
        ...

    def replication_status(self, name: str) -> str | None:
        """Return S3's word for how far the object's copy is: PENDING, COMPLETED, FAILED or REPLICA; None if not copied.

        Raises:
            BackupNotFound: there is no such object.
        """
        ...

    def protection(self) -> Protection:
        """Return how the vault guards its objects now."""
        ...

    def sweep(self, older_than_seconds: float) -> int:
        """Clear what killed writers left (temporary files, unfinished uploads) of that age; return how many."""
        ...
