"""The protection of a bucket: versioning, Object Lock, lifecycle."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from sqlitevault.vault.protocol import Protection
from sqlitevault.vault.s3.errors import code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import LifecycleRuleOutputTypeDef

_NOT_SET = {"ObjectLockConfigurationNotFoundError", "NoSuchLifecycleConfiguration"}
_Setting = TypeVar("_Setting")


def protection_of(client: "S3Client", bucket: str) -> Protection:
    """Read the bucket's configuration.

    Raises:
        ClientError, BotoCoreError: S3 refused, or could not be reached.
    """
    lock = _if_set(lambda: client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"])
    rules = _if_set(lambda: client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"])
    retention = (lock or {}).get("Rule", {}).get("DefaultRetention", {})
    expiring = (rule for rule in rules or () if rule["Status"] == "Enabled" and "Days" in rule.get("Expiration", {}))
    return Protection(
        versioned=client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled",
        lock_mode=retention.get("Mode"),
        lock_days=retention.get("Days"),
        expiry_days=tuple(sorted((_prefix(rule), rule["Expiration"]["Days"]) for rule in expiring)),
    )


def _if_set(read: Callable[[], _Setting]) -> _Setting | None:
    try:
        return read()
    except ClientError as error:
        if code_of(error) not in _NOT_SET:
            raise
        return None


def _prefix(rule: "LifecycleRuleOutputTypeDef") -> str:
    return rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
