"""Rights of functions on resources that are only known by name: the replica in the other stack, and the alarms."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

from infra.names import Names
from sqlitevault.ground.facts import BACKUPS


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


def reading_alarms(stack: Stack) -> list[iam.PolicyStatement]:
    """Return the rights to read this stack's alarms and its topics' subscriptions."""
    alarms = stack.format_arn(
        service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    topics = stack.format_arn(service="sns", resource=f"{stack.stack_name}-*")
    return [
        iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=[alarms]),
        iam.PolicyStatement(actions=["sns:ListSubscriptionsByTopic"], resources=[topics]),
    ]
