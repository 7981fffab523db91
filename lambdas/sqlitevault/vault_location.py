"""From the text that names a vault to the vault: the only place, beside `s3_vault`, that makes clients of AWS."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from sqlitevault.directory_vault import DirectoryVault
from sqlitevault.errors import ConfigError
from sqlitevault.s3_vault import S3Vault
from sqlitevault.s3_vault.errors import errors_named
from sqlitevault.vault import Vault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_S3 = "s3://"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Without a route to S3 (a missing gateway endpoint) a call must fail in seconds, not hang until the function ends.
_CLIENT = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=16,
    request_checksum_calculation="when_supported",
    response_checksum_validation="when_supported",
)


def open_vault(location: str, *, session: boto3.Session | None = None, region: str | None = None) -> Vault:
    """Return the vault at `s3://bucket/prefix/`, or in a directory.

    Raises:
        ConfigError: the location is neither, or AWS_ENDPOINT_URL is no URL.
        VaultUnavailable: the environment names a profile or a region that do not exist.
    """
    if location.startswith(_S3):
        bucket, prefix = _split_uri(location)
        return S3Vault(_client(session, location, region), bucket, prefix)
    if _SCHEME.match(location) or not location.strip():
        raise ConfigError(f"{location!r} names no vault", hint="Give s3://bucket/prefix/ or a directory.")
    return DirectoryVault(Path(location).expanduser())


def _client(session: boto3.Session | None, location: str, region: str | None) -> "S3Client":
    try:
        with errors_named(location):
            return (session or boto3.Session()).client("s3", region_name=region, config=_CLIENT)
    except ValueError as error:
        raise ConfigError(f"{location} cannot be reached: {error}", hint="Correct AWS_ENDPOINT_URL.") from error


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
