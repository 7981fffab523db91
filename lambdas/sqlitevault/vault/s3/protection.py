"""The protection of a bucket: versioning, Object Lock, lifecycle."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from sqlitevault.vault.protocol import Protection
from sqlitevault.vault.s3.errors import code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import LifecycleRuleOutputTypeDef

_NOT_SET = {"ObjectLockConfigurationNotFoundError", "NoSuchLifecycleConfiguration"}


def protection_of(client: "S3Client", bucket: str) -> Protection:
    """Read the bucket's configuration.

    Raises:
        ClientError, BotoCoreError: S3 refused, or could not be reached.
    """
    mode, days = _lock(client, bucket)
    return Protection(
        versioned=client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled",
        lock_mode=mode,
        lock_days=days,
        expiry_days=_expiry(client, bucket),
    )


def _lock(client: "S3Client", bucket: str) -> tuple[str | None, int | None]:
    try:
        found = client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    except ClientError as error:
        if code_of(error) not in _NOT_SET:
            raise
        return None, None
    retention = found.get("Rule", {}).get("DefaultRetention", {})
    return retention.get("Mode"), retention.get("Days")


def _expiry(client: "S3Client", bucket: str) -> tuple[tuple[str, int], ...]:
    try:
        rules = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError as error:
        if code_of(error) not in _NOT_SET:
            raise
        return ()
    return tuple(sorted((_prefix(rule), rule["Expiration"]["Days"]) for rule in rules if _expires(rule)))


def _expires(rule: "LifecycleRuleOutputTypeDef") -> bool:
    return rule["Status"] == "Enabled" and "Days" in rule.get("Expiration", {})


def _prefix(rule: "LifecycleRuleOutputTypeDef") -> str:
    return rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
