"""A vault in an embedded AWS that meets every line of readiness, with methods to change it."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from localaws import EmbeddedAws
from sqlitevault.backup.backup import Order, back_up
from sqlitevault.catalog.selection import Choice, select
from sqlitevault.ground.alarm_table import AlarmSpec, Targets, database_alarms
from sqlitevault.ground.facts import MONITOR_REPORT, Metric, Tier
from sqlitevault.proof.drill import drill, record
from sqlitevault.site import Site
from sqlitevault.vault.protocol import Vault
from sqlitevault.vault.s3.vault import S3Vault
from sqlitevault.watch.aws_alarms import read_alarms
from sqlitevault.watch.evidence import RunbookTest, record_test
from sqlitevault.watch.monitor import monitor
from sqlitevault.watch.readiness import ReadinessReport, readiness
from tests.databases import make_bank
from tests.sites import make_site

PRIMARY, RECOVERY = "us-east-1", "us-west-2"
RPO, RTO = 3600, 900
SPECS = {spec.name: spec for spec in database_alarms(Targets(RPO, RTO, 20, 50)) if isinstance(spec.metric, Metric)}
LOCK_DAYS = 7
COMPARISONS = {">=": "GreaterThanOrEqualToThreshold", "<": "LessThanThreshold"}
_numbers = itertools.count(1)


@dataclass(slots=True)
class ReadyWorld:
    """Vault, replica, alarms and topic of one deployment; `now` is the time at which it was made ready."""

    aws: EmbeddedAws
    number: int
    folder: Path
    now: datetime
    backup_id: str = ""
    topic: str = ""

    @property
    def database(self) -> str:
        """Name of the database, also of the alarms' dimension."""
        return f"bank{self.number}"

    @property
    def bucket(self) -> str:
        """The vault's bucket."""
        return f"ready-vault-{self.number}"

    @property
    def replica_bucket(self) -> str:
        """The replica's bucket."""
        return f"ready-replica-{self.number}"

    @property
    def vault(self) -> Vault:
        """The vault."""
        return S3Vault(self.client("s3"), self.bucket, "backups/")

    @property
    def replica(self) -> Vault:
        """The replica."""
        return S3Vault(self.client("s3", RECOVERY), self.replica_bucket, "backups/")

    def client(self, service: str, region: str = PRIMARY) -> Any:
        """Return a client of the embedded AWS."""
        return self.aws.client(service, region)

    def site(
        self, *, later: timedelta = timedelta(), lock_days: int | None = LOCK_DAYS, rto_seconds: int = RTO
    ) -> Site:
        """Return the site as it is `later`; None for `lock_days` means an unknown deployment of the vault."""
        return make_site(
            self.folder / f"{self.database}.db",
            self.vault,
            replica=self.replica,
            at=self.now + later,
            config_root=self.folder,
            scratch=self.folder / "scratch",
            rto_seconds=rto_seconds,
            lock_days=lock_days,
            tier_days="hourly=30",
        )

    def look(self, *, later: timedelta = timedelta(), lock_days: int | None = LOCK_DAYS) -> ReadinessReport:
        """Return the checklist as it would be `later`."""
        reading = partial(read_alarms, self.client("cloudwatch"), self.client("sns"), self.database)
        return readiness(self.site(later=later, lock_days=lock_days), reading)

    def failed(self, *, later: timedelta = timedelta(), lock_days: int | None = LOCK_DAYS) -> dict[str, str]:
        """Return the failed lines with their proofs."""
        return {line.name: line.proof for line in self.look(later=later, lock_days=lock_days).failed}

    def back_up(self, age: timedelta, *, tier: Tier = Tier.HOURLY) -> str:
        """Take and drill a backup of this age, and let it replicate."""
        order = Order(tier=tier, created_at=self.now - age, folder=f"{tier}/{self.database}/")
        made = back_up(self.site(), order).backup_id
        self.drill(self.vault, made)
        self.aws.control.settle()
        return made

    def drill(self, vault: Vault, backup_id: str, *, rto_seconds: int = RTO) -> None:
        """Drill a backup from this vault, and record it there."""
        chosen = select(vault, Choice(backup_id=backup_id))
        record(drill(self.site(rto_seconds=rto_seconds), chosen), vault, self.replica.location)

    def monitor(self, lock_days: int = LOCK_DAYS) -> None:
        """Run the monitor."""
        self.vault.replace(MONITOR_REPORT, monitor(self.site(lock_days=lock_days)).to_json())

    def rewrite(self, name: str, change: Callable[[Any], None]) -> None:
        """Change a JSON document in the vault; the copy follows."""
        document = json.loads(self.vault.read(name, limit=1 << 20))
        change(document)
        self.vault.replace(name, json.dumps(document).encode())
        self.aws.control.settle()

    @property
    def manifest(self) -> str:
        """Name of the backup's manifest in the vault."""
        return f"hourly/{self.database}/{self.backup_id}.tar.gz.manifest.json"

    @property
    def proof(self) -> str:
        """Name of the backup's drill report in the vault."""
        return f"reports/drills/{self.backup_id}.json"

    @property
    def replica_proof(self) -> str:
        """Name of the report of its drill from the replica, there."""
        return f"reports/replica-drills/{self.backup_id}.json"

    def alarm(self, name: str) -> str:
        """Name in CloudWatch of an alarm of the table."""
        return f"{self.database}-{name}"


def make_ready(aws: EmbeddedAws, folder: Path) -> ReadyWorld:
    """Make a world in which every line is green; its backup is five minutes old."""
    world = ReadyWorld(aws, next(_numbers), folder, datetime.now(UTC).replace(microsecond=0))
    make_bank(folder / f"{world.database}.db", rows=5)
    _make_buckets(world)
    world.backup_id = world.back_up(timedelta(minutes=5))
    world.drill(world.replica, world.backup_id)
    _make_alarms(world)
    record_test(RunbookTest(name="server-lost", tested_at=world.now), world.vault)
    world.monitor()
    aws.control.settle()
    return world


def _make_buckets(world: ReadyWorld) -> None:
    here, there = world.client("s3"), world.client("s3", RECOVERY)
    there.create_bucket(Bucket=world.replica_bucket, CreateBucketConfiguration={"LocationConstraint": RECOVERY})
    there.put_bucket_versioning(Bucket=world.replica_bucket, VersioningConfiguration={"Status": "Enabled"})
    here.create_bucket(Bucket=world.bucket, ObjectLockEnabledForBucket=True)
    retention = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 7}}
    here.put_object_lock_configuration(
        Bucket=world.bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": retention}
    )
    rule = {"ID": "hourly", "Status": "Enabled", "Filter": {"Prefix": "backups/hourly/"}, "Expiration": {"Days": 30}}
    here.put_bucket_lifecycle_configuration(Bucket=world.bucket, LifecycleConfiguration={"Rules": [rule]})
    copied = {
        "ID": "copy", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": "backups/"},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{world.replica_bucket}"},
    }  # fmt: skip
    role = "arn:aws:iam::123456789012:role/replication"
    here.put_bucket_replication(Bucket=world.bucket, ReplicationConfiguration={"Role": role, "Rules": [copied]})


def _make_alarms(world: ReadyWorld) -> None:
    sns, queue = world.client("sns"), world.client("sqs").create_queue(QueueName=f"alerts-{world.number}")["QueueUrl"]
    world.topic = sns.create_topic(Name=f"alerts-{world.number}")["TopicArn"]
    arn = world.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=world.topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    for spec in SPECS.values():
        put_alarm(world, spec)


def put_alarm(world: ReadyWorld, spec: AlarmSpec, *, enabled: bool = True, topic: str | None = None) -> None:
    """Create an alarm of the table, or replace it."""
    world.client("cloudwatch").put_metric_alarm(
        AlarmName=world.alarm(spec.name),
        Namespace="SqliteVault",
        MetricName=spec.metric,
        Dimensions=[{"Name": "Database", "Value": world.database}],
        Statistic=spec.statistic,
        Period=900,
        EvaluationPeriods=spec.periods,
        Threshold=spec.threshold,
        TreatMissingData="breaching" if spec.on_missing_data else "notBreaching",
        ComparisonOperator=COMPARISONS[spec.comparison],
        ActionsEnabled=enabled,
        AlarmActions=[topic or world.topic],
    )
