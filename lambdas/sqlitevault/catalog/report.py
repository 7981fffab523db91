"""What all reports share: frozen, and the same JSON everywhere (command line, functions, vault)."""

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer

from sqlitevault.catalog.manifest import format_time

Moment = Annotated[datetime, PlainSerializer(format_time, when_used="json")]
Seconds = Annotated[float, AfterValidator(lambda value: round(value, 3))]


class Report(BaseModel):
    """Base of every report a service returns."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types."""
        return self.model_dump(mode="json")

    def to_json(self) -> bytes:
        """Return the report as UTF-8 JSON, for a vault or a file."""
        return (json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
