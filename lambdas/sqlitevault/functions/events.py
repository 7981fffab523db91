"""Events of the functions. Any other is refused, with every mistake named, before anything happens."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    AliasPath,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from sqlitevault.catalog.manifest import Scope
from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.facts import ARCHIVE_SUFFIX, MANIFEST_SUFFIX, Tier
from sqlitevault.ground.quantities import is_ahead


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _not_ahead(moment: datetime) -> datetime:
    if is_ahead(moment, datetime.now(UTC)):
        raise ValueError("is in the future")
    return moment


class Event(BaseModel):
    """Base of all events. Unknown fields are mistakes in what people and schedules send."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    hint: ClassVar[str] = "See events/ in the repository for one sample of each event."

    @classmethod
    def parse(cls, event: object) -> Self:
        """Read an event.

        Raises:
            ConfigError: naming every field that is missing, unknown or wrong.
        """
        try:
            return cls.model_validate(event)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'event'}: {e['msg']}" for e in error.errors())
            raise ConfigError(f"the event is not valid: {wrong}", hint=cls.hint) from error


class BackupEvent(Event):
    """A schedule's order: two events with the same `scheduled_time` make one backup.

    `doctor` takes no backup: it examines the source from where backups run, and for `hold_seconds` holds a lock that a
    doctor on the application's host must see.
    """

    action: Literal["backup", "doctor"] = "backup"
    tier: Tier = Tier.MANUAL
    scope: Scope = Scope.ALL
    scheduled_time: Annotated[AwareDatetime, AfterValidator(_not_ahead)] | None = None
    hold_seconds: Annotated[float, Field(ge=0, le=600)] = 0.0

    @model_validator(mode="after")
    def _has_no_ignored_field(self) -> Self:
        of_backups = {"tier", "scope", "scheduled_time"}
        ignored = self.model_fields_set & (of_backups if self.action == "doctor" else {"hold_seconds"})
        if ignored:
            raise ValueError(f"{', '.join(sorted(ignored))} cannot be given for {self.action}")
        return self


class RestoreEvent(Event):
    """An operator's order. `backup` is an id or `latest`; `at` chooses the newest backup not after that time.

    `before_incident` chooses the newest backup before that time. With `table` (one name or several) the moves are for
    these tables only: stage makes a side database of them, promote merges it into the live one by primary key; with
    `missing_only`, existing rows stay. `salvage`: if no copy can be proven, stage what can be read, marked as such.
    """

    action: Literal["plan", "stage", "promote", "undo"]
    backup: str = "latest"
    at: AwareDatetime | None = None
    before_incident: AwareDatetime | None = None
    scope: Scope = Scope.DATABASE
    force: bool = False
    table: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_one_or_more)] = ()
    missing_only: bool = False
    salvage: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.at is not None and self.before_incident is not None:
            raise ValueError("give at or before_incident, not both")
        if self.action in ("promote", "undo") and (self.at or self.before_incident):
            raise ValueError(f"{self.action} takes no time: it works with what was staged or kept; name a backup")
        if self.table and (self.action == "undo" or self.scope is not Scope.DATABASE):
            raise ValueError("table goes with plan, stage and promote of the database")
        if self.missing_only and not self.table:
            raise ValueError("missing_only goes with table")
        return self


class DrillEvent(Event):
    """A schedule's or an operator's order to drill the newest backup, or the one named."""

    backup: str = "latest"


class MonitorEvent(Event):
    """The monitor's schedule; it has no content."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class StoredEvent(Event):
    """S3's event for a new object (Amazon S3 User Guide, "EventBridge event message structure").

    EventBridge gets the key as it is, unlike S3's own notifications.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    hint: ClassVar[str] = "This function takes S3 `Object Created` events from EventBridge."

    source: Literal["aws.s3"]
    kind: Annotated[Literal["Object Created"], Field(alias="detail-type")]
    time: AwareDatetime
    bucket: Annotated[str, Field(validation_alias=AliasPath("detail", "bucket", "name"))]
    key: Annotated[str, Field(validation_alias=AliasPath("detail", "object", "key"), min_length=1)]
    version: Annotated[str | None, Field(validation_alias=AliasPath("detail", "object", "version-id"))] = None

    @property
    def backup_id(self) -> str:
        """The backup of which it is the manifest."""
        return self.key.rsplit("/", 1)[-1].removesuffix(ARCHIVE_SUFFIX + MANIFEST_SUFFIX)
