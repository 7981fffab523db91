"""Bucket settings that moto's CloudFormation omits, applied through the S3 API."""

from collections.abc import Callable, Mapping
from typing import Any

from moto.s3.models import FakeBucket

from localaws.clients import Clients
from localaws.cloudformation.api_shapes import lifecycle_rule, whole_numbers
from localaws.patching import replace

_NUMBERS = frozenset({"Days", "Years", "Minutes", "Priority", "NoncurrentDays", "DaysAfterInitiation"})

# Properties that moto applies itself, or that make no difference here.
IGNORED = {
    "BucketName": "moto's",
    "BucketEncryption": "moto's",
    "Tags": "moto's",
    "AccessControl": "there are no ACLs here",
    "OwnershipControls": "there are no ACLs here",
    "LoggingConfiguration": "access logs are not written here",
    "ObjectLockEnabled": "applied with ObjectLockConfiguration",
}


class UnsupportedBucketPropertyError(Exception):
    """A bucket property that is neither applied nor listed as ignored."""


def install(clients: Clients) -> None:
    """Apply all settings whenever CloudFormation makes or changes a bucket."""

    def applying(original: Any) -> Any:
        def create_or_update(cls: type, *args: Any, **kwargs: Any) -> Any:
            bucket = original.__get__(None, cls)(*args, **kwargs)
            template = kwargs.get("cloudformation_json") or args[1]
            apply(clients("s3", bucket.region_name), bucket, template.get("Properties", {}))
            return bucket

        return classmethod(create_or_update)

    for name in ("create_from_cloudformation_json", "update_from_cloudformation_json"):
        replace(FakeBucket, name, applying)


def apply(s3: Any, bucket: Any, properties: Mapping[str, Any]) -> None:
    """Apply the bucket's properties.

    Raises:
        UnsupportedBucketPropertyError: unknown property.
    """
    unknown = set(properties) - set(_APPLIED) - set(IGNORED)
    if unknown:
        raise UnsupportedBucketPropertyError(f"AWS::S3::Bucket: {', '.join(sorted(unknown))}")
    for name, put in _APPLIED.items():
        if name in properties:
            put(s3, bucket, whole_numbers(properties[name], _NUMBERS))


def _versioning(s3: Any, bucket: Any, value: Mapping[str, Any]) -> None:
    s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": value["Status"]})


def _object_lock(s3: Any, bucket: Any, value: Mapping[str, Any]) -> None:
    bucket.object_lock_enabled = True
    s3.put_object_lock_configuration(Bucket=bucket.name, ObjectLockConfiguration=value)


def _public_access(s3: Any, bucket: Any, value: Mapping[str, Any]) -> None:
    s3.put_public_access_block(Bucket=bucket.name, PublicAccessBlockConfiguration=value)


def _lifecycle(s3: Any, bucket: Any, value: Mapping[str, Any]) -> None:
    rules = [lifecycle_rule(rule, number) for number, rule in enumerate(value["Rules"])]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket.name, LifecycleConfiguration={"Rules": rules})


def _replication(s3: Any, bucket: Any, value: Mapping[str, Any]) -> None:
    rules = [{("ID" if name == "Id" else name): part for name, part in rule.items()} for rule in value["Rules"]]
    s3.put_bucket_replication(Bucket=bucket.name, ReplicationConfiguration={"Role": value["Role"], "Rules": rules})


def _notification(s3: Any, bucket: Any, value: Mapping[str, Any]) -> None:
    if set(value) - {"EventBridgeConfiguration"}:
        raise UnsupportedBucketPropertyError(f"NotificationConfiguration: {', '.join(sorted(value))}")
    s3.put_bucket_notification_configuration(
        Bucket=bucket.name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


_APPLIED: dict[str, Callable[[Any, Any, Any], None]] = {
    "VersioningConfiguration": _versioning,
    "ObjectLockConfiguration": _object_lock,
    "PublicAccessBlockConfiguration": _public_access,
    "LifecycleConfiguration": _lifecycle,
    "ReplicationConfiguration": _replication,
    "NotificationConfiguration": _notification,
}
