"""Opens a vault in S3."""

import re

import boto3
from botocore.config import Config

from sqlitevault.ground.errors import ConfigError
from sqlitevault.vault.s3.errors import errors_named
from sqlitevault.vault.s3.vault import S3Vault

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


def open_s3_vault(location: str, *, session: boto3.Session | None = None) -> S3Vault:
    """Return the vault at `s3://bucket/prefix/`.

    Raises:
        ConfigError: the location has no valid bucket name, or AWS_ENDPOINT_URL is not a URL.
        VaultUnavailable: the environment names a profile or a region that does not exist.
    """
    bucket, prefix = split_uri(location)
    try:
        with errors_named(location):
            client = (session or boto3.Session()).client("s3", config=_CLIENT)
    except ValueError as error:
        raise ConfigError(f"{location} cannot be reached: {error}", hint="Correct AWS_ENDPOINT_URL.") from error
    return S3Vault(client, bucket, prefix)


def split_uri(location: str) -> tuple[str, str]:
    """Return bucket and prefix of `s3://bucket/prefix/`; the prefix is empty or ends with a slash.

    Raises:
        ConfigError: it has no valid bucket name.
    """
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ConfigError(f"{location!r} has no valid bucket name", hint="Give s3://bucket/prefix/.")
    prefix = prefix.strip("/")
    return bucket, f"{prefix}/" if prefix else ""
