"""Reports and other records: frozen, and the same JSON everywhere (command line, functions, vault)."""

import json
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer, ValidationError

from sqlitevault.ground.errors import ManifestInvalid
from sqlitevault.ground.quantities import format_time

Moment = Annotated[AwareDatetime, PlainSerializer(format_time, when_used="json")]
Seconds = Annotated[float, AfterValidator(lambda value: round(value, 3))]


class Report(BaseModel):
    """Base of every record. Unknown fields are ignored, so that a format can grow.

    A class that is read back gives its name and what to do if it cannot be read, for the error.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    title: ClassVar[str] = "the report"
    if_invalid: ClassVar[str] = "Create the report again."

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return self.model_dump(mode="json")

    def to_json(self) -> bytes:
        """Return the record as UTF-8 JSON, for a vault or a file."""
        return (json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Parse what `to_json` returned.

        Raises:
            ManifestInvalid: it is not JSON, or a field is missing or wrong.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "document"
            raise ManifestInvalid(f"{cls.title} is not valid: {where}: {first['msg']}", hint=cls.if_invalid) from error
