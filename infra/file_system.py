"""The file system with the database: the application's own EFS, or a new one for trials."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.network import Network
from sqlitevault.ground.stage import DeploymentSettings

MOUNT = "/mnt/source"


class SourceFileSystem(Construct):
    """The file system and the access point through which functions mount it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, network: Network, settings: DeploymentSettings, existing: bool
    ) -> None:
        """Use the application's file system if `existing`, else make one."""
        super().__init__(scope, construct_id)
        self.file_system = self._existing(settings) if existing else self._new(network)
        self.access_point = efs.AccessPoint(
            self,
            "AccessPoint",
            file_system=self.file_system,
            path=settings.file_system_path,
            posix_user=efs.PosixUser(uid=str(settings.posix_user), gid=str(settings.posix_user)),
            create_acl=efs.Acl(
                owner_uid=str(settings.posix_user), owner_gid=str(settings.posix_user), permissions="750"
            ),
        )

    def _existing(self, settings: DeploymentSettings) -> efs.IFileSystem:
        return efs.FileSystem.from_file_system_attributes(
            self,
            "FileSystem",
            file_system_id=settings.file_system_id,
            security_group=ec2.SecurityGroup.from_security_group_id(
                self, "SecurityGroup", str(settings.security_group_id)
            ),
        )

    def _new(self, network: Network) -> efs.FileSystem:
        file_system = efs.FileSystem(
            self,
            "FileSystem",
            vpc=network.vpc,
            vpc_subnets=network.subnets,
            encrypted=True,
            allow_anonymous_access=False,
            enable_automatic_backups=False,
            throughput_mode=efs.ThroughputMode.ELASTIC,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        file_system.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TlsOnly",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["elasticfilesystem:ClientMount"],
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            )
        )
        return file_system

    def mounting(self, *, write: bool) -> list[iam.PolicyStatement]:
        """Return permission to mount it through the access point; without `write`, writing is explicitly denied."""
        through = {"StringEquals": {"elasticfilesystem:AccessPointArn": self.access_point.access_point_arn}}
        allowed = ["elasticfilesystem:ClientMount"] + (["elasticfilesystem:ClientWrite"] if write else [])
        denied = ["elasticfilesystem:ClientRootAccess"] + ([] if write else ["elasticfilesystem:ClientWrite"])
        arn = self.file_system.file_system_arn
        return [
            iam.PolicyStatement(actions=allowed, resources=[arn], conditions=through),
            iam.PolicyStatement(effect=iam.Effect.DENY, actions=denied, resources=[arn]),
        ]
