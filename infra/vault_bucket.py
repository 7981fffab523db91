"""A bucket for backups: versioned, locked, encrypted with its own key, with an expiry for each tier."""

from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sqlitevault.ground.facts import BACKUPS, INBOX, REPORTS
from sqlitevault.ground.stage import DeploymentSettings

# Deleted and overwritten versions stay recoverable for this long.
_NONCURRENT = Duration.days(30)
_INBOX_DAYS = 3
# Backups outlive their stack, but a failed first deployment must not leave resources that block the next one.
_KEPT = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


class VaultBucket(Construct):
    """The vault or the replica: both have the same protection, set on each (lifecycle rules do not replicate)."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, key_alias: str, settings: DeploymentSettings
    ) -> None:
        """Make the key, the bucket and the bucket for its access log."""
        super().__init__(scope, construct_id)
        self.key = kms.Key(self, "Key", alias=key_alias, enable_key_rotation=True, removal_policy=_KEPT)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=name,
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.governance(Duration.days(settings.lock_days)),
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            server_access_logs_bucket=self._access_log(),
            server_access_logs_prefix="access/",
            lifecycle_rules=[*_housekeeping(), *_expiry(settings)],
            removal_policy=_KEPT,
        )
        self.cfn_bucket = cast("s3.CfnBucket", self.bucket.node.default_child)
        # CDK's own option would add a custom-resource function with rights on every bucket.
        self.cfn_bucket.add_property_override(
            "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True
        )

    def _access_log(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "AccessLog",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(id="expire", expiration=Duration.days(90))],
            removal_policy=_KEPT,
        )

    def readable(self, prefix: str = BACKUPS) -> list[iam.PolicyStatement]:
        """Return the rights to list and read below a prefix, older versions included."""
        return [
            iam.PolicyStatement(
                actions=["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"],
                resources=[self.bucket.bucket_arn],
            ),
            iam.PolicyStatement(
                actions=["s3:GetObject", "s3:GetObjectVersion"], resources=[self.bucket.arn_for_objects(f"{prefix}*")]
            ),
            iam.PolicyStatement(actions=["kms:Decrypt"], resources=[self.key.key_arn]),
        ]

    def writable(self, prefix: str = BACKUPS) -> list[iam.PolicyStatement]:
        """Return the rights to add objects below a prefix. No function may delete."""
        return [
            iam.PolicyStatement(
                actions=["s3:PutObject", "s3:AbortMultipartUpload"],
                resources=[self.bucket.arn_for_objects(f"{prefix}*")],
            ),
            iam.PolicyStatement(actions=["kms:GenerateDataKey", "kms:Decrypt"], resources=[self.key.key_arn]),
        ]

    def inspectable(self) -> list[iam.PolicyStatement]:
        """Return the rights to read the bucket's configuration."""
        return [
            iam.PolicyStatement(
                actions=[
                    "s3:GetBucketLocation",
                    "s3:GetBucketVersioning",
                    "s3:GetBucketObjectLockConfiguration",
                    "s3:GetLifecycleConfiguration",
                    "s3:GetReplicationConfiguration",
                ],
                resources=[self.bucket.bucket_arn],
            )
        ]


def _housekeeping() -> list[s3.LifecycleRule]:
    return [
        s3.LifecycleRule(id="unfinished-uploads", abort_incomplete_multipart_upload_after=Duration.days(1)),
        s3.LifecycleRule(id="orphaned-delete-markers", expired_object_delete_marker=True),
        s3.LifecycleRule(
            id="inbox",
            prefix=INBOX,
            expiration=Duration.days(_INBOX_DAYS),
            noncurrent_version_expiration=Duration.days(1),
        ),
    ]


def _expiry(settings: DeploymentSettings) -> list[s3.LifecycleRule]:
    """Return a rule for each tier; expiry adds a delete marker, so each rule also expires the version behind it."""
    kept = {f"{BACKUPS}{tier}/": days for tier, days in settings.tier_days.items()}
    kept[f"{BACKUPS}{REPORTS}"] = max(settings.tier_days.values())
    return [
        s3.LifecycleRule(
            id=prefix.removeprefix(BACKUPS).strip("/"),
            prefix=prefix,
            expiration=Duration.days(days),
            noncurrent_version_expiration=_NONCURRENT,
        )
        for prefix, days in kept.items()
    ]
