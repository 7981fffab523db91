"""All settings, read once from the environment into one frozen object.

`infra` writes each function's environment with `Settings.to_environment`, so only this module knows the variables.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sqlitevault.ground.errors import ConfigError

HOUR = 3600
MASS_DELETION_PERCENT, MASS_DELETION_ROWS = 20.0, 5


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def compact(value: object) -> object:
    """Leave out the spaces after the commas of a list."""
    return value.replace(" ", "") if isinstance(value, str) else value


# Settings that only backup and monitoring need: wrong ones do not stop a verb that reads or restores.
UPKEEP = frozenset(
    {
        *("BACKUP_RETAIN", "RPO_SECONDS", "RTO_SECONDS", "DRILL_SQL", "HEARTBEAT_URL"),
        *("MASS_DELETION_PERCENT", "MASS_DELETION_ROWS", "LOCK_DAYS", "TIER_DAYS"),
    }
)
# Settings that name a place; relative ones in the settings file start at its folder.
PLACES = frozenset({"DATABASE_PATH", "CONFIG_ROOT", "BACKUP_DIR", "REPLICA_URI", "SCRATCH_DIR"})

Location = Annotated[str, AfterValidator(_not_blank)]
Retention = Annotated[int, Field(ge=1, le=36500)]
Stall = Annotated[float, Field(gt=0, le=600)]
Percent = Annotated[float, Field(gt=0, le=100)]
Rows = Annotated[int, Field(ge=1)]
# One check a line, `query => answer`: sqlitevault.proof.own_checks.
Checks = Annotated[str, Field(pattern=r"^(\s*\n|[^\n]*\S[^\n]*=>[^\n]*\S[^\n]*(\n|$))+$")]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/]")]
TierDays = Annotated[str, BeforeValidator(compact), Field(pattern=r"^[a-z]+=\d+(,[a-z]+=\d+)*$")]


def mistakes(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    """Return a line for each wrong value: where it stands (`origins`, by name), and what is wrong with it."""
    lines = []
    for mistake in error.errors():
        name, *item = map(str, mistake["loc"] or ("settings",))
        message = mistake["msg"].removeprefix("Value error, ")
        lines.append(f"{'.'.join([origins.get(name, name), *item])}: {message}")
    return lines


class Settings(BaseModel):
    """What can be set, and its default. The variable that sets a field is its alias, by default its name in capitals.

    Times are seconds, sizes bytes. A vault is a directory or `s3://bucket/prefix/`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, alias_generator=str.upper)

    database_path: Path = Field(Path("data/devops_hub.db"), description="The database.")
    config_root: Path = Field(Path(), description="Folder with the application's configuration.")
    application_profile: str = Field("devops_hub", description="The application: devops_hub, or generic for any other.")
    vault: Location = Field("backups", alias="BACKUP_DIR", description="The vault: a directory or s3://bucket/prefix/.")
    replica: Location | None = Field(None, alias="REPLICA_URI", description="The vault's copy.")
    scratch: Path | None = Field(
        None, alias="SCRATCH_DIR", description="Working folder, for three times the database; else the system's."
    )
    retain_days: Retention = Field(
        30, alias="BACKUP_RETAIN", description="Days to keep backups in a directory; each tier's newest good one stays."
    )
    rpo_seconds: int = Field(HOUR, ge=60, description="Recovery point objective, in seconds.")
    rto_seconds: int = Field(HOUR // 4, ge=60, description="Recovery time objective, in seconds.")
    max_writer_stall_seconds: Stall = Field(4.0, description="Longest time a backup may hold up a writer.")
    mass_deletion_percent: Percent = Field(
        MASS_DELETION_PERCENT, description="Warn at this loss of a table's rows in a day."
    )
    mass_deletion_rows: Rows = Field(MASS_DELETION_ROWS, description="Fewest rows a table must lose for that warning.")
    lock_days: int | None = Field(None, ge=1, description="Days of the lock the bucket should have.")
    drill_sql: Checks | None = Field(
        None, description="Your own checks of each restored database, one a line: query => answer."
    )
    heartbeat_url: Url | None = Field(None, description="Address to request after each proven backup, and only then.")
    tier_days: TierDays | None = Field(None, description="Days the bucket should keep each tier: hourly=30,daily=30.")
    snapshot_timeout_seconds: float = Field(
        240.0, gt=0, le=7200, description="Longest time to wait for a busy database."
    )

    @classmethod
    def from_env(
        cls, env: Mapping[str, object], *, origins: Mapping[str, str] | None = None, **overrides: object
    ) -> Self:
        """Read the settings; empty variables count as unset; `overrides` (by field name) win over the environment.

        `origins` says of a variable where its value comes from, if that is not the environment.

        Raises:
            ConfigError: naming every variable that is wrong, all at once.
        """
        given = cls._given(env)
        for name, value in overrides.items():
            if value is not None:
                given[cls.model_fields[name].alias or name] = value
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            wrong = "; ".join(mistakes(error, origins or {}))
            raise ConfigError(
                f"wrong settings: {wrong}", hint="Correct the settings, environment variables or options named above."
            ) from error

    @classmethod
    def _given(cls, env: Mapping[str, object]) -> dict[str, Any]:
        aliases = {field.alias for field in cls.model_fields.values()}
        return {name: value for name, value in env.items() if name in aliases and value != ""}

    @classmethod
    def mistaken(cls, env: Mapping[str, object]) -> frozenset[str]:
        """Return the variables whose values `from_env` would refuse."""
        try:
            cls.model_validate(cls._given(env))
        except ValidationError as error:
            return frozenset(str(mistake["loc"][0]) for mistake in error.errors())
        return frozenset()

    def to_environment(self) -> dict[str, str]:
        """Return the variables that make `from_env` give this object again; unset ones are left out."""
        values = self.model_dump(mode="json", by_alias=True)
        return {name: str(value) for name, value in values.items() if value is not None}
