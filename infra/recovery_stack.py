"""The recovery region: the replica, and functions that restore from it and cost nothing when idle."""

from aws_cdk import CfnOutput, Environment, Stack
from constructs import Construct

from infra.file_system import SourceFileSystem
from infra.functions import Functions, Mount
from infra.monitoring import RecoveryMonitoring
from infra.names import Names
from infra.network import Network
from infra.recorded import record_settings
from infra.schedules import Schedules, at
from infra.vault_bucket import VaultBucket
from sqlitevault.ground.facts import BACKUPS, REPORTS
from sqlitevault.ground.stage import DeploymentSettings


class RecoveryStack(Stack):
    """Everything that a recovery needs if the primary region is lost."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: DeploymentSettings) -> None:
        """Make replica, file system, restore and drill."""
        super().__init__(scope, construct_id, env=Environment(region=settings.dr_region))
        names = Names.of(self, settings)
        self.replica = VaultBucket(self, "Replica", name=names.replica, key_alias=names.key_alias, settings=settings)
        self.functions = Functions(self, "Functions", settings=settings, names=names, vault_uri=names.replica_uri)
        network = Network(self, "Network", existing=None)
        target = SourceFileSystem(self, "Target", network=network, settings=settings, existing=False)
        self.functions.make("restore", self.replica.readable(), mount=Mount(network, target, write=True))
        drill = self.functions.make("drill", [*self.replica.readable(), *self.replica.writable(f"{BACKUPS}{REPORTS}")])
        self.schedules = Schedules(self, "Schedules", group=f"sqlitevault-{settings.stage}")
        self.schedules.add("Drill", drill, at(minute="0", hour="5", day="1"), {"backup": "latest"})
        RecoveryMonitoring(self, "Monitoring", functions=self.functions, schedules=self.schedules, settings=settings)
        CfnOutput(self, "ReplicaBucket", value=names.replica)
        CfnOutput(self, "RestoreFunction", value=self.functions.made["restore"].function_name)
        CfnOutput(self, "DrillFunction", value=self.functions.made["drill"].function_name)
        record_settings(self, settings)
