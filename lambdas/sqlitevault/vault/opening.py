"""Opens the vault that a text names."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sqlitevault.ground.errors import ConfigError
from sqlitevault.vault.directory import DirectoryVault
from sqlitevault.vault.protocol import Vault

if TYPE_CHECKING:
    import boto3

_S3 = "s3://"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def open_vault(location: str, *, session: "boto3.Session | None" = None, region: str | None = None) -> Vault:
    """Return the vault at `s3://bucket/prefix/`, or in a directory.

    Raises:
        ConfigError: the location is neither, or AWS_ENDPOINT_URL is no URL.
        VaultUnavailable: the environment names a profile or a region that do not exist.
    """
    if location.startswith(_S3):
        bucket, prefix = _split_uri(location)
        # Loading boto3 takes longer than a command on a directory runs.
        from sqlitevault.vault.s3.opening import open_s3_vault  # noqa: PLC0415

        return open_s3_vault(bucket, prefix, session=session, region=region)
    if _SCHEME.match(location) or not location.strip():
        raise ConfigError(f"{location!r} names no vault", hint="Give s3://bucket/prefix/ or a directory.")
    return DirectoryVault(Path(location).expanduser())


def bucket_of(location: str) -> str | None:
    """Return the bucket that holds the vault; None for a vault that is not in S3.

    Raises:
        ConfigError: the location names no bucket.
    """
    return _split_uri(location)[0] if location.startswith(_S3) else None


def split_backup_location(text: str) -> tuple[str, str]:
    """Return vault and object name of an archive: `s3://b/p/x.tar.gz` is `x.tar.gz` in `s3://b/p/`.

    Raises:
        ConfigError: there is no object's name in it.
    """
    folder, slash, name = text.rpartition("/")
    if not name or text == f"{_S3}{name}":
        raise ConfigError(f"{text!r} names no archive", hint="End it with the archive's name, or with latest.tar.gz.")
    return (folder + slash if slash else "."), name


def _split_uri(location: str) -> tuple[str, str]:
    bucket, _, prefix = location.removeprefix(_S3).partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ConfigError(f"{location!r} names no bucket", hint="Give s3://bucket/prefix/.")
    prefix = prefix.strip("/")
    return bucket, f"{prefix}/" if prefix else ""
