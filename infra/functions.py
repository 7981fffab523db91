"""The functions: the same code for all, a role for each, configured by environment variables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bundling import function_code
from infra.dead_letters import dead_letter_queue
from infra.file_system import MOUNT, SourceFileSystem
from infra.nag import acknowledge_annotation, acknowledge_wildcards
from infra.names import Names
from infra.network import Network
from sqlitevault.ground.facts import METRIC_NAMESPACE
from sqlitevault.ground.settings import Settings
from sqlitevault.ground.stage import DeploymentSettings

# Share of the function's time that a snapshot may take: the rest of the backup, or a clear error, must still fit.
_SNAPSHOT_SHARE = 0.4
_ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
_EVENT_AGE = Duration.minutes(30)


@dataclass(frozen=True, slots=True)
class Mount:
    """The network and the file system of a function that reads or writes the database."""

    network: Network
    file_system: SourceFileSystem
    write: bool


class Functions(Construct):
    """Makes a stack's functions and their dead-letter queue."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: DeploymentSettings, names: Names, vault_uri: str
    ) -> None:
        """Prepare the code, the queue and the environment."""
        super().__init__(scope, construct_id)
        self._settings, self._names = settings, names
        self._code = function_code(settings)
        self._environment = _environment(settings, names, vault_uri)
        self.made: dict[str, lambda_.Function] = {}
        self.dead_letters = dead_letter_queue(self)

    def make(
        self, verb: str, statements: Sequence[iam.PolicyStatement], *, mount: Mount | None = None
    ) -> lambda_.Function:
        """Make the function whose handler is `<verb>.handler.handler`, with exactly these rights."""
        log = self._log(verb)
        function = lambda_.Function(
            self,
            verb.title(),
            function_name=self._names.function(verb),
            description=_DESCRIPTIONS[verb],
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=_ARCHITECTURES[self._settings.architecture],
            handler=f"{verb}.handler.handler",
            code=self._code,
            role=self._role(verb, log, statements, mount),
            timeout=Duration.seconds(self._settings.timeout_seconds),
            memory_size=self._settings.memory_mb,
            ephemeral_storage_size=Size.gibibytes(self._settings.scratch_gb),
            environment=self._environment | {"POWERTOOLS_SERVICE_NAME": f"sqlitevault-{verb}"},
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
            retry_attempts=2,
            max_event_age=_EVENT_AGE,
            on_failure=destinations.SqsDestination(self.dead_letters),
            vpc=mount.network.vpc if mount else None,
            vpc_subnets=mount.network.subnets if mount else None,
        )
        acknowledge_annotation(
            function,
            "@aws-cdk/aws-ec2:ipv4IgnoreEgressRule",
            "The subnets are isolated: nothing but S3's endpoint and the file system can be reached.",
        )
        if mount is not None:
            _attach(function, mount.file_system)
        self.made[verb] = function
        return function

    def _log(self, verb: str) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            f"{verb.title()}Log",
            log_group_name=f"/sqlitevault/{self._names.stage}/{verb}",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _role(
        self, verb: str, log: logs.LogGroup, statements: Sequence[iam.PolicyStatement], mount: Mount | None
    ) -> iam.Role:
        role = iam.Role(self, f"{verb.title()}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        # A child of the role, so that the function depends on it: Lambda checks the rights when it creates a function.
        policy = iam.Policy(role, "Rights", roles=[role])
        rights = [*statements, *(_mounting(mount) if mount else ()), _logging(log)]
        policy.add_statements(*rights)
        acknowledge_wildcards(policy, rights, _WILDCARDS)
        return role


_WILDCARDS = (
    "Objects below a prefix, streams of the function's own log, keys that bear the vault's alias, and the network "
    "interfaces of a VPC function, which have no ids before they are made."
)
_DESCRIPTIONS = {
    "backup": "Backs up the database on the file system",
    "ingest": "Backs up a snapshot that was uploaded under inbox/",
    "restore": "Plans, stages, promotes or undoes a restore on the file system",
    "drill": "Restores a backup to scratch and proves it",
    "monitor": "Checks ages, replication, schedules and protection",
}
# AWS Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC".
_NETWORK_ACTIONS = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]


def _attach(function: lambda_.Function, source: SourceFileSystem) -> None:
    """Mount the file system. CDK's own option would also grant writing on every file system."""
    cfn = cast("lambda_.CfnFunction", function.node.default_child)
    mounted = {"Arn": source.access_point.access_point_arn, "LocalMountPath": MOUNT}
    cfn.add_property_override("FileSystemConfigs", [mounted])
    function.connections.allow_to_default_port(source.file_system)
    function.node.add_dependency(source.file_system.mount_targets_available)


def _mounting(mount: Mount) -> list[iam.PolicyStatement]:
    return [
        *mount.file_system.mounting(write=mount.write),
        iam.PolicyStatement(actions=_NETWORK_ACTIONS, resources=["*"]),
    ]


def _logging(log: logs.LogGroup) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[f"{log.log_group_arn}:*"]
    )


def _environment(settings: DeploymentSettings, names: Names, vault_uri: str) -> dict[str, str]:
    given = Settings.from_env(
        {},
        database_path=f"{MOUNT}/{settings.database}",
        config_root=MOUNT,
        application_profile=settings.application_profile,
        vault=vault_uri,
        # In the recovery region this is the vault itself, which tells a drill that its report is a replica's.
        replica=names.replica_uri,
        scratch="/tmp",  # noqa: S108
        rpo_seconds=settings.rpo_minutes * 60,
        rto_seconds=settings.rto_minutes * 60,
        max_writer_stall_seconds=settings.max_writer_stall_seconds,
        snapshot_timeout_seconds=_SNAPSHOT_SHARE * settings.timeout_seconds,
        mass_deletion_percent=settings.mass_deletion_percent,
        mass_deletion_rows=settings.mass_deletion_rows,
        drill_sql=settings.drill_sql,
        lock_days=settings.lock_days,
        tier_days=",".join(f"{tier}={days}" for tier, days in settings.tier_days.items()),
    )
    return given.to_environment() | {"POWERTOOLS_METRICS_NAMESPACE": METRIC_NAMESPACE, "POWERTOOLS_LOG_LEVEL": "INFO"}
