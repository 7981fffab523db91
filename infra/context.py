"""What can be chosen at deployment (`cdk deploy -c name=value`), typed; wrong values are refused before synthesis."""

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sqlitevault.ground.settings import MASS_DELETION_PERCENT, MASS_DELETION_ROWS, OWN_CHECKS

Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
Days = Annotated[int, Field(ge=1, le=3650)]
LAMBDA_MAXIMUM_SECONDS = 900
# An alarm with periods of less than an hour looks back a day at the most (Amazon CloudWatch API Reference,
# PutMetricAlarm), and NoBackup looks back the RPO and its 15 minutes of grace.
_LONGEST_RPO_MINUTES = 24 * 60 - 15


class ContextError(Exception):
    """Values of `-c` that cannot be deployed; the message names all of them."""


class ExistingFileSystem(BaseModel):
    """The application's own EFS file system and network, by id.

    `route_table_ids`: of the subnets, if they have no S3 gateway endpoint yet; one is then made there.
    """

    model_config = ConfigDict(frozen=True)

    file_system_id: str
    security_group_id: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    availability_zones: tuple[str, ...]
    route_table_ids: tuple[str, ...] = ()


class DeploymentSettings(BaseModel):
    """All settings of a deployment; every default is meant to be deployed as it is.

    Without the ids of an existing file system a new one is made, to try it with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,15}$")] = "prod"
    region: Region = "us-east-1"
    dr_region: Region = "us-west-2"
    database: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*\.[A-Za-z0-9]+$")] = "data/devops_hub.db"
    alarm_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None

    file_system_id: Annotated[str, Field(pattern=r"^fs-[0-9a-f]+$")] | None = None
    security_group_id: Annotated[str, Field(pattern=r"^sg-[0-9a-f]+$")] | None = None
    vpc_id: Annotated[str, Field(pattern=r"^vpc-[0-9a-f]+$")] | None = None
    subnet_ids: tuple[str, ...] = ()
    availability_zones: tuple[str, ...] = ()
    route_table_ids: tuple[str, ...] = ()
    file_system_path: Annotated[str, Field(pattern=r"^/")] = "/devops-hub"
    posix_user: Annotated[int, Field(ge=0)] = 1000

    rpo_minutes: Annotated[int, Field(ge=15, le=_LONGEST_RPO_MINUTES)] = 60
    rto_minutes: Annotated[int, Field(ge=1)] = 15
    hourly_minutes: Annotated[str, Field(pattern=r"^[0-5]?\d(,[0-5]?\d)*$")] = "5"
    hourly_days: Days = 30
    daily_days: Days = 30
    weekly_days: Days = 90
    monthly_days: Days = 365
    manual_days: Days = 30
    lock_days: Days = 7
    mass_deletion_percent: Annotated[float, Field(gt=0, le=100)] = MASS_DELETION_PERCENT
    mass_deletion_rows: Annotated[int, Field(ge=1)] = MASS_DELETION_ROWS
    # A database cannot shrink by more than 100 %.
    size_change_percent: Annotated[float, Field(gt=0, lt=100)] = 50

    drill_sql: Annotated[str, Field(pattern=OWN_CHECKS)] | None = None

    architecture: Literal["arm64", "x86_64"] = "arm64"
    function_platform: Literal["lambda", "host"] = "lambda"
    memory_mb: Annotated[int, Field(ge=512, le=10240)] = 1769
    scratch_gb: Annotated[int, Field(ge=1, le=10)] = 4
    timeout_seconds: Annotated[int, Field(ge=60, le=LAMBDA_MAXIMUM_SECONDS)] = LAMBDA_MAXIMUM_SECONDS
    max_writer_stall_seconds: Annotated[float, Field(gt=0, le=600)] = 4.0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.region == self.dr_region:
            raise ValueError("region and dr_region must differ: a copy in the same region is lost with it")
        if 0 in map(int, self.hourly_minutes.split(",")):
            raise ValueError("hourly_minutes must not contain 0: the daily backup at that minute would have its name")
        if min(self.tier_days.values()) < self.lock_days:
            raise ValueError("lock_days must not exceed any tier's days: locked versions cannot expire")
        if self._longest_gap > self.rpo_minutes:
            raise ValueError(
                f"hourly_minutes leaves {self._longest_gap} minutes without a backup, rpo_minutes is {self.rpo_minutes}"
            )
        fields = ExistingFileSystem.model_fields
        given = [name for name in fields if getattr(self, name)]
        missing = sorted(name for name, field in fields.items() if field.is_required() and name not in given)
        if given and missing:
            raise ValueError(f"an existing file system needs {', '.join(missing)} as well")
        return self

    @property
    def _longest_gap(self) -> int:
        minutes = sorted(map(int, self.hourly_minutes.split(",")))
        return max(after - before for before, after in pairwise([*minutes, minutes[0] + 60]))

    @property
    def existing_file_system(self) -> ExistingFileSystem | None:
        """The application's file system, if one was named."""
        if self.file_system_id is None:
            return None
        return ExistingFileSystem.model_validate(
            {name: getattr(self, name) for name in ExistingFileSystem.model_fields}
        )

    @property
    def tier_days(self) -> dict[str, int]:
        """Days that each tier's backups are kept."""
        return {tier: getattr(self, f"{tier}_days") for tier in ("hourly", "daily", "weekly", "monthly", "manual")}

    @property
    def database_name(self) -> str:
        """The database's file name without the ending: the dimension of all metrics."""
        return self.database.rpartition("/")[2].rpartition(".")[0]

    @property
    def python_version(self) -> str:
        """Version of the functions' runtime."""
        return "3.14"


_LISTS = ("subnet_ids", "availability_zones", "route_table_ids")


def from_context(get: Callable[[str], Any]) -> DeploymentSettings:
    """Read the settings; lists are separated by commas.

    Raises:
        ContextError: naming every wrong value.
    """
    given = {name: value for name in DeploymentSettings.model_fields if (value := get(name)) not in (None, "")}
    for name in _LISTS:
        if isinstance(given.get(name), str):
            given[name] = tuple(given[name].split(","))
    try:
        return DeploymentSettings.model_validate(given)
    except ValidationError as error:
        wrong = "\n".join(f"  {'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors())
        raise ContextError(f"These values of -c cannot be deployed:\n{wrong}") from error
