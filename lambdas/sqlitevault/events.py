"""The events that functions accept. Anything else is refused, with every mistake named, before anything happens."""

from typing import Any, Literal, Self
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.parser.models import S3EventNotificationEventBridgeModel
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from sqlitevault.errors import ConfigError
from sqlitevault.manifest import Scope, Tier


class Event(BaseModel):
    """Base of the events that people and schedules send: unknown fields are mistakes, not extras."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, event: object) -> Self:
        """Read an event.

        Raises:
            ConfigError: a field is missing, unknown or wrong.
        """
        try:
            return cls.model_validate(event)
        except ValidationError as error:
            raise _refused(error, hint="See events/ in the repository for one sample of each event.") from error


class BackupEvent(Event):
    """A schedule's order: the same `scheduled_time` twice makes one backup."""

    tier: Tier = Tier.MANUAL
    scope: Scope = Scope.ALL
    scheduled_time: AwareDatetime | None = None


class RestoreEvent(Event):
    """An operator's order. `backup` is an id or `latest`; `at` chooses the newest backup not after that time."""

    action: Literal["plan", "stage", "promote", "undo"]
    backup: str = "latest"
    at: AwareDatetime | None = None
    scope: Scope = Scope.DATABASE
    force: bool = False


class DrillEvent(Event):
    """A schedule's or an operator's order to drill the newest backup, or the one named."""

    backup: str = "latest"


class MonitorEvent(Event):
    """The monitor's schedule says nothing but that it is time."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _ObjectCreated(S3EventNotificationEventBridgeModel):
    source: Literal["aws.s3"]
    detail_type: Literal["Object Created"] = Field(alias="detail-type")
    time: AwareDatetime


class StoredEvent(BaseModel):
    """What S3 tells about an object that was created (Amazon S3 User Guide, "EventBridge event message structure")."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str = Field(min_length=1)
    version: str | None
    time: AwareDatetime

    @classmethod
    def parse(cls, event: Any) -> Self:  # noqa: ANN401
        """Read an `Object Created` event that came through EventBridge.

        Raises:
            ConfigError: it is another event.
        """
        try:
            found = _ObjectCreated.model_validate(event)
            return cls(
                bucket=found.detail.bucket.name,
                key=unquote_plus(found.detail.object.key),
                version=found.detail.object.version_id,
                time=found.time,
            )
        except ValidationError as error:
            raise _refused(error, hint="This function takes S3 `Object Created` events from EventBridge.") from error


def _refused(error: ValidationError, *, hint: str) -> ConfigError:
    wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'event'}: {e['msg']}" for e in error.errors())
    return ConfigError(f"the event is not valid: {wrong}", hint=hint)
