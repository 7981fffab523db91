"""The primary region: the vault, the functions that back up and monitor, and the alarms."""

from aws_cdk import CfnOutput, Environment, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.file_system import SourceFileSystem
from infra.functions import Functions, Mount
from infra.monitoring import Monitoring
from infra.names import Names
from infra.network import Network
from infra.recorded import record_settings
from infra.replication import Replication
from infra.rights import reading_alarms, reading_the_replica
from infra.schedules import Schedules, at, backup_event, monitor_schedule
from infra.triggers import OnCreated
from infra.vault_bucket import VaultBucket
from sqlitevault.ground.facts import BACKUPS, INBOX, MANIFEST_SUFFIX, REPORTS, Tier
from sqlitevault.ground.stage import DeploymentSettings


class PrimaryStack(Stack):
    """Everything that runs in normal operation."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: DeploymentSettings) -> None:
        """Make vault, functions, schedules and alarms, and grant the functions their rights."""
        super().__init__(scope, construct_id, env=Environment(region=settings.region))
        self.settings = settings
        self.names = Names.of(self, settings)
        self.vault = VaultBucket(
            self, "Vault", name=self.names.vault, key_alias=self.names.key_alias, settings=settings
        )
        Replication(self, "Replication", vault=self.vault, names=self.names)
        self.functions = Functions(
            self, "Functions", settings=settings, names=self.names, vault_uri=self.names.vault_uri
        )
        self._make_functions()
        self.schedules = self._schedule()
        self._trigger()
        Monitoring(
            self, "Monitoring", functions=self.functions, schedules=self.schedules, settings=settings, names=self.names
        )
        CfnOutput(self, "VaultBucket", value=self.names.vault)
        CfnOutput(self, "ReplicaBucket", value=self.names.replica)
        for verb, function in self.functions.made.items():
            CfnOutput(self, f"{verb.title()}Function", value=function.function_name)
        record_settings(self, settings)

    def _make_functions(self) -> None:
        existing = self.settings.file_system_id is not None
        network = Network(self, "Network", existing=self.settings if existing else None)
        source = SourceFileSystem(
            self,
            "Source",
            network=network,
            settings=self.settings,
            existing=existing,
        )
        vault = self.vault
        self.functions.make("backup", [*vault.readable(), *vault.writable()], mount=Mount(network, source, write=False))
        self.functions.make("restore", vault.readable(), mount=Mount(network, source, write=True))
        self.functions.make("ingest", [*vault.readable(INBOX), *vault.readable(), *vault.writable()])
        # Both write the report page, which shows readiness and so needs to read everything.
        everything = [
            *vault.readable(),
            *vault.inspectable(),
            *vault.writable(f"{BACKUPS}{REPORTS}"),
            *reading_the_replica(self.names),
            *reading_alarms(self),
        ]
        self.functions.make("drill", everything)
        self.functions.make("monitor", everything)

    def _schedule(self) -> Schedules:
        schedules = Schedules(self, "Schedules", group=f"sqlitevault-{self.settings.stage}")
        backup = self._function("backup")
        schedules.add("Hourly", backup, at(minute=self.settings.hourly_minutes), backup_event(Tier.HOURLY, "database"))
        schedules.add("Daily", backup, at(minute="0", hour="2"), backup_event(Tier.DAILY, "all"))
        schedules.add("Weekly", backup, at(minute="0", hour="3", week_day="SUN"), backup_event(Tier.WEEKLY, "all"))
        schedules.add("Monthly", backup, at(minute="0", hour="4", day="1"), backup_event(Tier.MONTHLY, "all"))
        schedules.add("Monitor", self._function("monitor"), monitor_schedule(), {})
        return schedules

    def _trigger(self) -> None:
        for verb, key in (("ingest", {"prefix": INBOX}), ("drill", {"wildcard": f"{BACKUPS}*{MANIFEST_SUFFIX}"})):
            OnCreated(
                self,
                f"{verb.title()}Trigger",
                bucket=self.names.vault,
                key=key,
                function=self._function(verb),
                dead_letters=self.schedules.dead_letters,
            )

    def _function(self, verb: str) -> lambda_.Function:
        return self.functions.made[verb]
