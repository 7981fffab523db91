"""Make the client of an S3 vault."""

import boto3
from botocore.config import Config

from sqlitevault.ground.errors import ConfigError
from sqlitevault.vault.s3.errors import errors_named
from sqlitevault.vault.s3.vault import S3Vault

# Without a route to S3 (a missing gateway endpoint) a call must fail in seconds, not hang until the function ends.
_CLIENT = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=16,
    request_checksum_calculation="when_supported",
    response_checksum_validation="when_supported",
)


def open_s3_vault(bucket: str, prefix: str, *, session: boto3.Session | None, region: str | None) -> S3Vault:
    """Return the vault below a prefix of a bucket.

    Raises:
        ConfigError: AWS_ENDPOINT_URL is no URL.
        VaultUnavailable: the environment names a profile or a region that do not exist.
    """
    location = f"s3://{bucket}/{prefix}"
    try:
        with errors_named(location):
            client = (session or boto3.Session()).client("s3", region_name=region, config=_CLIENT)
    except ValueError as error:
        raise ConfigError(f"{location} cannot be reached: {error}", hint="Correct AWS_ENDPOINT_URL.") from error
    return S3Vault(client, bucket, prefix)
