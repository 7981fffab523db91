"""The demo's world: the embedded AWS, the deployment in it, and the files that serve as its file systems."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.deploy import Deployment
from localaws.embedded import EmbeddedAws
from localaws.emf import parse_lines
from localaws.functions.ledger import Ran
from sqlitevault.ground.facts import BACKUPS

PRIMARY, RECOVERY = "us-east-1", "us-west-2"
STAGE = "demo"


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of an invocation."""

    error: str | None
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """A deployed demo."""

    aws: EmbeddedAws
    deployment: Deployment
    database: Path

    @property
    def vault(self) -> str:
        """Name of the vault bucket."""
        return self.deployment.outputs()["VaultBucket"]

    @property
    def replica(self) -> str:
        """Name of the replica bucket."""
        return self.deployment.outputs()["ReplicaBucket"]

    def function(self, verb: str) -> str:
        """Name of the function that does `verb`, the same in both regions."""
        return f"sqlitevault-{STAGE}-{verb}"

    def invoke(self, verb: str, event: Mapping[str, Any], *, region: str = PRIMARY) -> Answer:
        """Invoke a function as `aws lambda invoke` does."""
        answer = self.aws.client("lambda", region).invoke(FunctionName=self.function(verb), Payload=json.dumps(event))
        return Answer(answer.get("FunctionError"), json.load(answer["Payload"]))

    def s3(self, region: str = PRIMARY) -> Any:
        """Return the S3 client of a region."""
        return self.aws.client("s3", region)

    def versions(self, bucket: str, region: str) -> dict[str, str]:
        """Return the current version id of each object below `backups/`."""
        pages = self.s3(region).get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=BACKUPS)
        listed = [entry for page in pages for entry in page.get("Versions", [])]
        return {entry["Key"]: entry["VersionId"] for entry in listed if entry["IsLatest"]}

    def last(self, verb: str) -> Ran:
        """Return the newest invocation of a function."""
        return self.aws.control.invocations(self.function(verb))[-1]

    def recovery_database(self) -> Path:
        """Path of the database in the recovery region."""
        ((_, folder),) = self.aws.control.file_system(self.function("restore"), region=RECOVERY).items()
        return folder / "data" / self.database.name


def metrics(invoked: Ran) -> dict[str, float]:
    """Return the metrics in an invocation's log, by name."""
    return {datum.name: datum.values[-1] for datum in parse_lines(invoked.log.splitlines())}
