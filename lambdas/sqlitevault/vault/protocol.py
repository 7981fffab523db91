"""The Vault protocol. Its docstrings are promises, and tests/contract checks them for every kind of vault."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlitevault.ground.files import in_home
from sqlitevault.ground.steps import OnBytes, ignore_bytes


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a vault; `name` is relative to the vault's location and uses forward slashes.

    `tag` changes whenever the content does; None if the store has no such tag, or does not list it.
    """

    name: str
    bytes: int
    modified: datetime
    version: str | None = None
    tag: str | None = field(default=None, compare=False)


def whole_location(location: str) -> str:
    """Return a vault's location in a form that is valid everywhere on this machine: a directory as an absolute path."""
    if "://" in location:
        return location.rstrip("/") + "/"
    return str(in_home(location).resolve())


def same_place(one: str, other: str) -> bool:
    """Return whether two locations name the same vault; relative ones start at the current directory."""
    return whole_location(one) == whole_location(other)


@dataclass(frozen=True, slots=True)
class Protection:
    """The protection of a vault's objects; `None` where there is none.

    `lock_days` is the default retention of Object Lock; `expiry_days` pairs a prefix with the days after which its
    current versions expire.
    """

    versioned: bool
    lock_mode: str | None
    lock_days: int | None
    expiry_days: tuple[tuple[str, int], ...]

    def differences(self, found: "Protection") -> tuple[str, ...]:
        """Describe how `found` differs from this, the protection as deployed."""
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
    raises ConfigError. Every method raises VaultUnavailable if the store cannot be reached or refuses a request; the
    hint names what was refused.
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
        """Store the file under `name`, whole or not at all, with this SHA-256 checked where it arrives.

        An object that already has the name is replaced in a directory, and kept as an older version in S3.

        Raises:
            ChecksumMismatch: the content has another checksum; nothing is stored under `name`.
        """
        ...

    def create(self, name: str, content: bytes) -> StoredObject:
        """Store `content` under `name` only if the name is free. Of two simultaneous calls one succeeds.

        S3 accepts the same content again: it may come from a retry whose first response was lost.

        Raises:
            BackupExists: the name is taken; its object stays as it was.
        """
        ...

    def replace(self, name: str, content: bytes) -> StoredObject:
        """Store `content` under `name`, whole or not at all, in place of any object there."""
        ...

    def objects(self, under: str = "") -> Iterator[StoredObject]:
        """Yield every object whose name begins with `under`, in order of name.

        Unfinished uploads and temporary files are never among them.
        """
        ...

    def read(self, name: str, *, limit: int, version: str | None = None) -> bytes:
        """Return the object's content, in this version or the newest.

        Raises:
            BackupNotFound: there is no such object or version.
            ChecksumMismatch: it was damaged on its way.
            ManifestInvalid: it is longer than `limit` bytes, so it is not what the caller expects.
        """
        ...

    def download(self, name: str, target: Path, *, version: str | None = None, on_bytes: OnBytes = ignore_bytes) -> str:
        """Write the object to `target` and return the SHA-256 of the bytes written.

        After an error `target` does not exist, unless it existed before.

        Raises:
            FileExistsError: `target` already exists; it stays as it was.
            BackupNotFound: there is no such object or version.
            ChecksumMismatch: it was damaged on its way. Not every store detects that: compare the returned checksum.
            ScratchFull: the disk is too small.
        """
        ...

    def delete(self, name: str) -> None:
        """Delete the object, if there is one. S3 keeps its versions for as long as the bucket's rules say."""
        ...

    def versions(self, name: str) -> Iterator[StoredObject]:
        """Yield every version of the object that the vault still has, newest first, also after a delete or overwrite.

        A vault without versions yields the object if it exists.
        """
        ...

    def replication_status(self, name: str) -> str | None:
        """Return the object's replication status: PENDING, COMPLETED, FAILED or REPLICA; None if it is not replicated.

        Raises:
            BackupNotFound: there is no such object.
        """
        ...

    def protection(self) -> Protection:
        """Return the present protection of the vault's objects."""
        ...

    def sweep(self, older_than_seconds: float) -> int:
        """Delete temporary files and unfinished uploads of that age, left by killed writers; return their number."""
        ...
