"""The manifest: the JSON commit record beside each archive, written last. No manifest, no backup.

Times are RFC 3339 in UTC, sizes are bytes, checksums are lower-case hexadecimal SHA-256.
"""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
    field_serializer,
)

from sqlitevault.ground.errors import ConfigError, ManifestInvalid
from sqlitevault.ground.facts import ARCHIVE_SUFFIX, Tier

FORMAT = 1
# Far above any backup; millions of empty entries would take gigabytes to parse.
_MOST_ENTRIES = 300_000

# Two machines' clocks may differ by so much.
_CLOCKS = timedelta(minutes=5)

_BACKUP_ID = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,99})_backup_(?P<day>\d{8})_(?P<time>\d{6})")


class Scope(StrEnum):
    """What a backup holds or a restore brings back."""

    ALL = "all"
    DATABASE = "database"
    CONFIG = "config"


def backup_id(name: str, created_at: datetime) -> str:
    """Return `<name>_backup_<YYYYMMDD>_<HHMMSS>` in UTC; `name` is the database's, without its ending.

    Raises:
        ConfigError: the name has characters that do not belong in an object key or a file name.
    """
    made = f"{name}_backup_{created_at.astimezone(UTC):%Y%m%d_%H%M%S}"
    if not is_backup_id(made):
        raise ConfigError(
            f"the database name {name!r} cannot be part of a backup's name",
            hint="Use letters, digits, dot, underscore and hyphen in the database's file name, 100 at most.",
        )
    return made


def is_backup_id(text: str) -> bool:
    """Tell whether `text` has the form of a backup id, with a time that exists."""
    parts = _BACKUP_ID.fullmatch(text)
    return parts is not None and _time_of(parts) is not None


def database_name(identifier: str) -> str:
    """Return the database's name in a backup id.

    Raises:
        ConfigError: `identifier` is not a backup id.
    """
    return _parts(identifier)[0]


def created_at(identifier: str) -> datetime:
    """Return the time in a backup id, in UTC.

    Raises:
        ConfigError: `identifier` is not a backup id.
    """
    return _parts(identifier)[1]


def _parts(identifier: str) -> tuple[str, datetime]:
    parts = _BACKUP_ID.fullmatch(identifier)
    moment = _time_of(parts) if parts else None
    if parts is None or moment is None:
        raise ConfigError(
            f"{identifier!r} is not a backup id", hint="A backup id looks like devops_hub_backup_20260131_020000."
        )
    return parts["name"], moment


def _time_of(parts: re.Match[str]) -> datetime | None:
    try:
        return datetime.strptime(parts["day"] + parts["time"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None  # digits that are no time, as of a 13th month


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Tell whether `moment` is further in the future than two clocks may differ: it would stay the newest till then."""
    return moment - now > _CLOCKS


def format_time(moment: datetime) -> str:
    """Return `moment` as RFC 3339 in UTC, to the second: `2026-01-31T02:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
# MANIFEST.json is read by people too: a table's name may be any text, also one with lone surrogates escaped.
_Strict = ConfigDict(frozen=True, extra="ignore")


class Source(BaseModel):
    """Where the backup came from."""

    model_config = _Strict
    name: str
    path: str
    host: str


class Database(BaseModel):
    """Facts of the database at the time of the snapshot (file format, section 1.3).

    `schema_digest` covers tables, indexes, views, triggers and AUTOINCREMENT counters.
    """

    model_config = _Strict
    bytes: Count
    page_size: Count
    journal_mode: str
    sqlite_version: str
    user_version: int
    application_id: int
    encoding: str
    schema_digest: str | None = None


class Snapshot(BaseModel):
    """How the consistent copy was made. `writer_stall_seconds`: how long a writer may have been held up."""

    model_config = _Strict
    method: str
    attempts: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(ge=0)]
    writer_stall_seconds: Annotated[float, Field(ge=0)] = 0.0


class Table(BaseModel):
    """One table's content: number of rows, and a digest that does not depend on the page layout.

    `digest` is None only in backups by the original shell script, which kept none.
    """

    model_config = _Strict
    name: str
    rows: Count
    digest: str | None = None


class File(BaseModel):
    """One member of the archive, its path relative to the archive's top folder."""

    model_config = _Strict
    path: str
    bytes: Count
    sha256: Sha256


class Archive(BaseModel):
    """The archive as a file."""

    model_config = _Strict
    name: str
    bytes: Count
    sha256: Sha256


class Tool(BaseModel):
    """The program that made the backup."""

    model_config = _Strict
    name: str = "sqlitevault"
    version: str


def _known_format(value: object) -> object:
    if isinstance(value, int) and value > FORMAT:
        raise NewerFormat(value)
    return value


class NewerFormat(ManifestInvalid):
    """The backup was written by a newer version."""

    def __init__(self, found: int) -> None:
        """Name both formats."""
        super().__init__(
            f"the backup has format {found}; this version reads up to {FORMAT}",
            hint="Restore it with a newer version of sqlitevault.",
        )


def _a_backup_id(value: str) -> str:
    if not is_backup_id(value):
        raise ValueError("not a backup id")
    return value


class Manifest(BaseModel):
    """The commit record of one backup.

    `archive` is None only in the copy inside the archive. `database`, `snapshot` and `tables` are absent from a
    backup of the configuration alone. `corrupt` is what integrity_check said, when a damaged database was kept on
    explicit request: such a backup never counts as good.
    """

    model_config = _Strict
    format: Annotated[int, BeforeValidator(_known_format), Field(ge=1)] = FORMAT
    backup_id: Annotated[str, AfterValidator(_a_backup_id)]
    created_at: AwareDatetime
    tier: Tier
    scope: Scope
    source: Source
    database: Database | None = None
    snapshot: Snapshot | None = None
    # A hostile manifest may hold millions of wrong entries: the first one is enough, the rest would fill memory.
    tables: Annotated[tuple[Table, ...], FailFast()] = ()
    files: Annotated[tuple[File, ...], FailFast()]
    archive: Archive | None = None
    tool: Tool
    corrupt: Annotated[tuple[str, ...], FailFast()] = ()

    @field_serializer("created_at")
    def _serialize_created_at(self, value: datetime) -> str:
        return format_time(value)

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def archive_name(self) -> str:
        """File name of the archive."""
        return self.backup_id + ARCHIVE_SUFFIX

    @property
    def database_member(self) -> str | None:
        """Path of the database in the archive; None if it holds none. Config files lie deeper, in `config/`."""
        return next((file.path for file in self.files if "/" not in file.path and file.path.endswith(".db")), None)

    def lacks(self, scope: Scope) -> str | None:
        """Tell what a restore of this scope would miss in the backup, or None."""
        if scope is not Scope.CONFIG and self.database is None:
            return "holds no database"
        if scope is Scope.CONFIG and not any(file.path.startswith("config/") for file in self.files):
            return "holds no configuration"
        return None

    def to_json(self) -> bytes:
        """Return the manifest as UTF-8 JSON for people and programs."""
        return (self.model_dump_json(indent=2, exclude_none=True) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a manifest; unknown fields are ignored so that the format can grow.

        Raises:
            ManifestInvalid: not JSON, a field missing or wrong, or written in a newer format.
        """
        if sum(map(data.count, (b"{", b"[", b","))) > _MOST_ENTRIES:
            raise ManifestInvalid(
                "the manifest has more entries than any backup",
                hint="Use another backup; this one's manifest was not written by sqlitevault.",
            )
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "document"
            raise ManifestInvalid(
                f"the manifest is not valid: {where}: {first['msg']}",
                hint="Use another backup; this one's manifest was damaged or not written by sqlitevault.",
            ) from error
