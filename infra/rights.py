"""Rights on the replica for functions of the primary region: by name, since its stack is not referred to."""

from aws_cdk import aws_iam as iam

from infra.names import BACKUPS, Names


def reading_the_replica(names: Names) -> list[iam.PolicyStatement]:
    """Return the rights to list and read the replica."""
    bucket = f"arn:aws:s3:::{names.replica}"
    return [
        iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket]),
        iam.PolicyStatement(actions=["s3:GetObject", "s3:GetObjectVersion"], resources=[f"{bucket}/{BACKUPS}*"]),
        iam.PolicyStatement(
            actions=["kms:Decrypt"],
            resources=[f"arn:aws:kms:{names.dr_region}:{names.account}:key/*"],
            conditions={"ForAnyValue:StringEquals": {"kms:ResourceAliases": names.key_alias}},
        ),
    ]
