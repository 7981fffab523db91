"""All settings, read once from the environment into one frozen object.

`infra` writes each function's environment with `Settings.to_environment`, so every variable name stands here alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sqlitevault.ground.errors import ConfigError

HOUR = 3600
MASS_DELETION_PERCENT, MASS_DELETION_ROWS = 20.0, 5
# One check a line, `query => answer`: sqlitevault.proof.own_checks.
OWN_CHECKS = r"^(\s*\n|[^\n]*\S[^\n]*=>[^\n]*\S[^\n]*(\n|$))+$"


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


# What only takes and watches backups: whoever looks into one or restores it can do without.
UPKEEP = frozenset(
    {
        *("BACKUP_RETAIN", "RPO_SECONDS", "RTO_SECONDS", "DRILL_SQL", "HEARTBEAT_URL"),
        *("MASS_DELETION_PERCENT", "MASS_DELETION_ROWS", "LOCK_DAYS", "TIER_DAYS"),
    }
)

Location = Annotated[str, AfterValidator(_not_blank)]


class Settings(BaseModel):
    """What can be set, its default, and the variable that sets it (the field's alias).

    Times are seconds, sizes bytes. A vault is a directory or `s3://bucket/prefix/`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    database_path: Path = Field(Path("data/devops_hub.db"), alias="DATABASE_PATH")
    config_root: Path = Field(Path(), alias="CONFIG_ROOT")
    application_profile: str = Field("devops_hub", alias="APPLICATION_PROFILE")
    vault: Location = Field("backups", alias="BACKUP_DIR")
    replica: Location | None = Field(None, alias="REPLICA_URI")
    scratch: Path | None = Field(None, alias="SCRATCH_DIR")
    retain_days: int = Field(30, alias="BACKUP_RETAIN", ge=1, le=36500)
    rpo_seconds: int = Field(HOUR, alias="RPO_SECONDS", ge=60)
    rto_seconds: int = Field(HOUR // 4, alias="RTO_SECONDS", ge=60)
    max_writer_stall_seconds: float = Field(4.0, alias="MAX_WRITER_STALL_SECONDS", gt=0, le=600)
    mass_deletion_percent: float = Field(MASS_DELETION_PERCENT, alias="MASS_DELETION_PERCENT", gt=0, le=100)
    mass_deletion_rows: int = Field(MASS_DELETION_ROWS, alias="MASS_DELETION_ROWS", ge=1)
    lock_days: int | None = Field(None, alias="LOCK_DAYS", ge=1)
    drill_sql: Annotated[str, Field(pattern=OWN_CHECKS)] | None = Field(None, alias="DRILL_SQL")
    heartbeat_url: Annotated[str, Field(pattern=r"^https?://[^\s/]")] | None = Field(None, alias="HEARTBEAT_URL")
    tier_days: Annotated[str, Field(pattern=r"^[a-z]+=\d+(,[a-z]+=\d+)*$")] | None = Field(None, alias="TIER_DAYS")
    snapshot_timeout_seconds: float = Field(240.0, alias="SNAPSHOT_TIMEOUT_SECONDS", gt=0, le=7200)

    @classmethod
    def from_env(cls, env: Mapping[str, str], **overrides: object) -> Self:
        """Read the settings; empty variables count as unset; `overrides` (by field name) win over the environment.

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
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise ConfigError(
                f"wrong settings: {wrong}", hint="Correct the environment variables or options named above."
            ) from error

    @classmethod
    def _given(cls, env: Mapping[str, str]) -> dict[str, Any]:
        aliases = {field.alias for field in cls.model_fields.values()}
        return {name: value for name, value in env.items() if name in aliases and value != ""}

    @classmethod
    def mistaken(cls, env: Mapping[str, str]) -> frozenset[str]:
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
