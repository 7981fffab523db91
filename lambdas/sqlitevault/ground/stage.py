"""Settings of one deployment (a stage): the `[stage.NAME]` sections of `sqlitevault.toml`, and `cdk -c name=value`."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sqlitevault.ground.facts import RPO_GRACE, Tier
from sqlitevault.ground.settings import MASS_DELETION_PERCENT, MASS_DELETION_ROWS, Checks, Percent, Rows, Stall, compact

# An alarm with periods of less than an hour looks back a day at the most (Amazon CloudWatch API Reference,
# PutMetricAlarm), and NoBackup looks back the RPO and its grace.
_LONGEST_RPO_MINUTES = (timedelta(days=1) - RPO_GRACE) // timedelta(minutes=1)
# CloudFormation documents no limit for the value of an output; for texts of that kind the limit is 1,024 bytes.
_OUTPUT_BYTES = 1000
# All variables of a function have 4 KB together (AWS Lambda Developer Guide, Lambda quotas).
_CHECKS_BYTES = 3000


def _region(name: str) -> str:
    # Regions of the other partitions start with cn- or have more parts, such as us-gov-west-1 and eusc-de-east-1.
    if not re.fullmatch(r"(?!cn-)[a-z]{2}-[a-z]+-\d", name):
        raise ValueError(
            "must be a commercial region such as us-east-1; GovCloud, China and the like are not supported"
        )
    return name


def _split(value: object) -> object:
    return [part for part in str(compact(value)).split(",") if part] if isinstance(value, str) else value


def _join(value: object) -> object:
    return compact(",".join(map(str, value)) if isinstance(value, list) else str(value))


Region = Annotated[str, AfterValidator(_region)]
Days = Annotated[int, Field(ge=1, le=3650)]
Subnets = Annotated[tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]+$")], ...], BeforeValidator(_split)]
RouteTables = Annotated[tuple[Annotated[str, Field(pattern=r"^rtb-[0-9a-f]+$")], ...], BeforeValidator(_split)]
Zones = Annotated[tuple[str, ...], BeforeValidator(_split)]
Minutes = Annotated[str, BeforeValidator(_join), Field(pattern=r"^[0-5]?\d(,[0-5]?\d)*$")]
Database = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*\.[A-Za-z0-9]+$")]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]


class DeploymentSettings(BaseModel):
    """All settings of a deployment; every default can be deployed unchanged.

    Without the ids of an existing file system a new one is made, to try the tool with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str = Field("prod", pattern=r"^[a-z][a-z0-9-]{0,15}$", description="Part of every name in the account.")
    region: Region = Field("us-east-1", description="Region of the functions and the vault.")
    dr_region: Region = Field("us-west-2", description="Recovery region, which holds the vault's copy.")
    application_profile: str = Field(
        "devops_hub", pattern=r"^\w+$", description="The application: devops_hub, or generic for any other."
    )
    database: Database = Field("data/devops_hub.db", description="Path of the database below file_system_path.")
    alarm_email: Email | None = Field(
        None, description="Address that receives the alarms, once it has confirmed to SNS."
    )

    file_system_id: str | None = Field(
        None, pattern=r"^fs-[0-9a-f]+$", description="Your application's EFS file system; else a new one is made."
    )
    security_group_id: str | None = Field(
        None, pattern=r"^sg-[0-9a-f]+$", description="Security group of its mount targets."
    )
    vpc_id: str | None = Field(None, pattern=r"^vpc-[0-9a-f]+$", description="VPC of its mount targets.")
    subnet_ids: Subnets = Field((), description="Subnets for the functions, from which it can be mounted.")
    availability_zones: Zones = Field((), description="Zone of each of these subnets, in the same order.")
    route_table_ids: RouteTables = Field((), description="Route table of each subnet, to get an S3 endpoint.")
    file_system_path: str = Field("/devops-hub", pattern=r"^/", description="Folder of the file system to mount.")
    posix_user: int = Field(1000, ge=0, description="User and group id of the functions on the file system.")

    rpo_minutes: int = Field(60, ge=15, le=_LONGEST_RPO_MINUTES, description="Recovery point objective, in minutes.")
    rto_minutes: int = Field(15, ge=1, description="Recovery time objective, in minutes.")
    hourly_minutes: Minutes = Field("5", description="Minutes of the hour to back up at: 5,35 is every half hour.")
    hourly_days: Days = Field(30, description="Days to keep hourly backups.")
    daily_days: Days = Field(30, description="Days to keep daily backups.")
    weekly_days: Days = Field(90, description="Days to keep weekly backups.")
    monthly_days: Days = Field(365, description="Days to keep monthly backups.")
    manual_days: Days = Field(30, description="Days to keep backups taken by hand.")
    lock_days: Days = Field(7, description="Days for which versions cannot be deleted or overwritten (Object Lock).")
    mass_deletion_percent: Percent = Field(
        MASS_DELETION_PERCENT, description="Alarm when a table loses this share of its rows within a day."
    )
    mass_deletion_rows: Rows = Field(MASS_DELETION_ROWS, description="Fewest rows a table must lose for that alarm.")
    # A database cannot shrink by more than 100 %.
    size_change_percent: float = Field(
        50, gt=0, lt=100, description="Alarm when the database's size changes this much."
    )
    drill_sql: Checks | None = Field(
        None, description="Your checks of restored databases, one a line: query => answer."
    )

    architecture: Literal["arm64", "x86_64"] = Field("arm64", description="Processor of the functions.")
    function_platform: Literal["lambda", "host"] = Field("lambda", description="lambda; host is for the embedded AWS.")
    memory_mb: int = Field(1769, ge=512, le=10240, description="Memory of each function, in MB.")
    scratch_gb: int = Field(4, ge=1, le=10, description="Scratch space of each function: three times the database.")
    timeout_seconds: int = Field(900, ge=60, le=900, description="Time limit of each function.")
    max_writer_stall_seconds: Stall = Field(4.0, description="Longest time a backup may hold up a writer.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.stage.endswith("-recovery"):
            raise ValueError("stage must not end with -recovery: another stage's stack may have that name")
        if self.region == self.dr_region:
            raise ValueError("region and dr_region must differ: a copy in the same region is lost with it")
        if 0 in map(int, self.hourly_minutes.split(",")):
            raise ValueError("hourly_minutes must not contain 0: the daily backup at that minute would have its name")
        if len((self.drill_sql or "").encode()) > _CHECKS_BYTES:
            raise ValueError(f"drill_sql must not exceed {_CHECKS_BYTES:,} bytes: it is a variable of the functions")
        if min(self.tier_days.values()) < self.lock_days:
            raise ValueError("lock_days must not exceed any tier's days: locked versions cannot expire")
        if self._longest_gap > self.rpo_minutes:
            raise ValueError(
                f"hourly_minutes leaves {self._longest_gap} minutes without a backup, rpo_minutes is {self.rpo_minutes}"
            )
        self._check_file_system()
        return self

    def _check_file_system(self) -> None:
        needed = ("availability_zones", "file_system_id", "security_group_id", "subnet_ids", "vpc_id")
        missing = [name for name in needed if not getattr(self, name)]
        if missing and (self.route_table_ids or len(missing) < len(needed)):
            raise ValueError(f"an existing file system needs {', '.join(missing)} as well")
        subnets, zones, tables = self.subnet_ids, self.availability_zones, self.route_table_ids
        if len(set(subnets)) < len(subnets):
            raise ValueError("subnet_ids names a subnet twice")
        if len(zones) != len(subnets):
            raise ValueError(f"availability_zones must name a zone for each of the {len(subnets)} subnet_ids")
        if elsewhere := [zone for zone in zones if not re.fullmatch(rf"{self.region}(-[a-z0-9-]+)?[a-z]", zone)]:
            raise ValueError(f"availability_zones: {', '.join(elsewhere)} is not a zone of {self.region}")
        if tables and len(tables) != len(subnets):
            raise ValueError(
                f"route_table_ids must name a table for each of the {len(subnets)} subnet_ids, repeated where shared"
            )

    @property
    def _longest_gap(self) -> int:
        minutes = sorted(map(int, self.hourly_minutes.split(",")))
        return max(after - before for before, after in pairwise([*minutes, minutes[0] + 60]))

    @property
    def tier_days(self) -> dict[str, int]:
        """Days that each tier's backups are kept."""
        return {tier.value: getattr(self, f"{tier}_days") for tier in Tier}

    @property
    def database_name(self) -> str:
        """The database's file name without the ending: the dimension of all metrics."""
        return self.database.rpartition("/")[2].rpartition(".")[0]

    def to_outputs(self) -> dict[str, str]:
        """Return the stack outputs that record all settings: one JSON document, in several parts if it is long."""
        document = json.dumps(self.model_dump(mode="json", exclude_none=True), separators=(",", ":"))
        starts = range(0, len(document), _OUTPUT_BYTES)
        return {f"Settings{n}": document[at : at + _OUTPUT_BYTES] for n, at in enumerate(starts, 1)}


def stack_names(stage: str) -> tuple[str, str]:
    """Return the names of the stacks in the primary and in the recovery region."""
    return f"SqliteVault-{stage}", f"SqliteVault-{stage}-recovery"


def recorded_settings(outputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that a stack's outputs record; none if a version without such outputs deployed it."""
    parts: list[str] = []
    while part := outputs.get(f"Settings{len(parts) + 1}"):
        parts.append(part)
    return dict(json.loads("".join(parts) or "{}"))
