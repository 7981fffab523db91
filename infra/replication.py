"""Replication of the vault to the recovery region, with S3 Replication Time Control.

Source: Amazon S3 User Guide, "Setting up permissions for live replication" and "Using Object Lock with replication".
"""

from datetime import timedelta
from typing import cast

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.nag import acknowledge_wildcards
from infra.names import REPLICATION_RULE, Names
from infra.vault_bucket import VaultBucket
from sqlitevault.ground.facts import BACKUPS, REPLICATION_PROMISE

_MINUTES = REPLICATION_PROMISE // timedelta(minutes=1)


class Replication(Construct):
    """The replication role of S3, and the rule on the vault.

    The replica's key is named by its alias, because its id is unknown in this region; IAM allows any key of that
    region with this alias.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vault: VaultBucket, names: Names) -> None:
        """Replicate all objects below `backups/`."""
        super().__init__(scope, construct_id)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("s3.amazonaws.com"))
        rights = _statements(vault, names)
        policy = iam.Policy(self, "Policy", statements=rights, roles=[role])
        acknowledge_wildcards(
            policy, rights, "Objects below backups/, and of the recovery region's keys only the one with our alias."
        )
        vault.cfn_bucket.add_property_override("ReplicationConfiguration", _configuration(role, names))
        vault.cfn_bucket.add_resource_dependency(cast("iam.CfnPolicy", policy.node.default_child))


def _configuration(role: iam.Role, names: Names) -> dict[str, object]:
    return {
        "Role": role.role_arn,
        "Rules": [
            {
                "Id": REPLICATION_RULE,
                "Priority": 1,
                "Status": "Enabled",
                "Filter": {"Prefix": BACKUPS},
                "DeleteMarkerReplication": {"Status": "Disabled"},
                "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
                "Destination": {
                    "Bucket": f"arn:aws:s3:::{names.replica}",
                    "EncryptionConfiguration": {
                        "ReplicaKmsKeyID": f"arn:aws:kms:{names.dr_region}:{names.account}:{names.key_alias}"
                    },
                    "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": _MINUTES}},
                    "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": _MINUTES}},
                },
            }
        ],
    }


def _statements(vault: VaultBucket, names: Names) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=["s3:GetReplicationConfiguration", "s3:ListBucket"], resources=[f"arn:aws:s3:::{names.vault}"]
        ),
        iam.PolicyStatement(
            actions=[
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
                "s3:GetObjectRetention",
                "s3:GetObjectLegalHold",
            ],
            resources=[f"arn:aws:s3:::{names.vault}/{BACKUPS}*"],
        ),
        iam.PolicyStatement(
            actions=["s3:ReplicateObject", "s3:ReplicateTags"], resources=[f"arn:aws:s3:::{names.replica}/{BACKUPS}*"]
        ),
        iam.PolicyStatement(
            actions=["kms:Decrypt"],
            resources=[vault.key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"s3.{names.region}.amazonaws.com"}},
        ),
        iam.PolicyStatement(
            actions=["kms:Encrypt", "kms:GenerateDataKey"],
            resources=[f"arn:aws:kms:{names.dr_region}:{names.account}:key/*"],
            conditions={
                "StringEquals": {"kms:ViaService": f"s3.{names.dr_region}.amazonaws.com"},
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": names.key_alias},
            },
        ),
    ]
