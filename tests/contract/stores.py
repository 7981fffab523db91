"""The stores under contract: each is a vault with the operations that a test needs outside the vault's interface."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from sqlitevault.vault.opening import open_vault
from sqlitevault.vault.protocol import Protection, Vault
from sqlitevault.vault.s3.vault import open_s3_vault
from tests.contract.memory import GONE, memory_at

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PLAIN, LOCKED = "plain-vault", "locked-vault"
LOCK_DAYS = 1
_NOTHING = Protection(versioned=False, lock_mode=None, lock_days=None, expiry_days=())
_LOCK = Protection(versioned=True, lock_mode="GOVERNANCE", lock_days=LOCK_DAYS, expiry_days=())
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Store:
    """A vault, and operations that bypass it."""

    vault: Vault
    location: str
    protection: Protection
    fill: Callable[[Iterable[str]], None]
    """Put one byte under each of the names, by other means than the vault."""
    leave_unfinished: Callable[[str], None]
    """Leave what a writer of this name leaves when it is killed."""
    open_broken: Callable[[], Vault]
    """Open a vault of the same kind whose store is not there."""
    in_order: bool = True
    """Whether a listing is in order of name, as S3's is; SeaweedFS goes folder by folder where nothing is versioned."""
    refuses_versions: bool = True
    """Whether it is an error to name a version where none are kept."""
    young_seconds: float = 3600
    """An age that no unfinished upload of a test has; moto dates all of them 2010."""


def directory_store(folder: Path) -> Store:
    """A directory below `folder`; the broken vault's directory is a file."""
    root, file = folder / "vault", folder / "no-directory"
    file.touch()

    def fill(names: Iterable[str]) -> None:
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"!")

    def leave_unfinished(name: str) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(".unfinished-0123456789abcdef").write_bytes(b"half of it")

    return Store(open_vault(str(root)), str(root), _NOTHING, fill, leave_unfinished, lambda: open_vault(str(file)))


def memory_store() -> Store:
    """An in-memory vault, opened like any other."""
    location = f"memory://test-{next(_numbers)}/"
    memory, vault = memory_at(location), open_vault(location)

    def fill(names: Iterable[str]) -> None:
        for name in names:
            vault.replace(name, b"!")

    def leave_unfinished(name: str) -> None:
        memory.unfinished[name] = datetime.now(UTC)

    return Store(vault, location, _NOTHING, fill, leave_unfinished, lambda: open_vault(GONE))


def bucket_store(session: boto3.Session, client: "S3Client", bucket: str, **known: Any) -> Store:
    """A prefix of its own in `bucket`, at the endpoint in the environment; the broken vault's bucket does not exist."""
    prefix = f"test-{next(_numbers)}/"
    location = f"s3://{bucket}/{prefix}"

    def fill(names: Iterable[str]) -> None:
        for name in names:
            client.put_object(Bucket=bucket, Key=prefix + name, Body=b"!", ChecksumAlgorithm="SHA256")

    def leave_unfinished(name: str) -> None:
        client.create_multipart_upload(Bucket=bucket, Key=prefix + name)

    protection = _LOCK if bucket == LOCKED else _NOTHING

    def open_broken() -> Vault:
        return open_s3_vault("s3://no-such-bucket/backups/", session=session)

    vault = open_s3_vault(location, session=session)
    return Store(vault, location, protection, fill, leave_unfinished, open_broken, **known)


def make_buckets(client: "S3Client") -> None:
    """Make a plain bucket, and one that keeps and locks every version."""
    client.create_bucket(Bucket=PLAIN)
    client.create_bucket(Bucket=LOCKED, ObjectLockEnabledForBucket=True)
    retention = {"DefaultRetention": {"Mode": _LOCK.lock_mode, "Days": LOCK_DAYS}}
    client.put_object_lock_configuration(
        Bucket=LOCKED,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": retention},  # type: ignore[typeddict-item]
    )
