"""Resource names that both regions derive on their own: no stack refers to another's resources."""

from dataclasses import dataclass

from aws_cdk import Stack

from sqlitevault.ground.facts import BACKUPS
from sqlitevault.ground.stage import DeploymentSettings

REPLICATION_RULE = "vault-to-replica"


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one deployment. The account is a token that is resolved at deployment."""

    stage: str
    account: str
    region: str
    dr_region: str

    @classmethod
    def of(cls, stack: Stack, settings: DeploymentSettings) -> "Names":
        """Return the names for a stack."""
        return cls(settings.stage, stack.account, settings.region, settings.dr_region)

    @property
    def vault(self) -> str:
        """The vault bucket."""
        return f"sqlitevault-{self.stage}-{self.account}-{self.region}"

    @property
    def replica(self) -> str:
        """The replica bucket, in the recovery region."""
        return f"sqlitevault-{self.stage}-{self.account}-{self.dr_region}"

    @property
    def vault_uri(self) -> str:
        """The vault, as functions and people name it."""
        return f"s3://{self.vault}/{BACKUPS}"

    @property
    def replica_uri(self) -> str:
        """The replica, as functions and people name it."""
        return f"s3://{self.replica}/{BACKUPS}"

    @property
    def key_alias(self) -> str:
        """The alias of the buckets' keys, the same in both regions."""
        return f"alias/sqlitevault-{self.stage}"

    def function(self, verb: str) -> str:
        """Return a function's name."""
        return f"sqlitevault-{self.stage}-{verb}"
