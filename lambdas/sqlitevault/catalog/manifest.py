"""The manifest: the JSON commit record beside each archive, written last. No manifest, no backup.

Times are RFC 3339 in UTC, sizes are bytes, checksums are lower-case hexadecimal SHA-256.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, FailFast, Field

from sqlitevault.catalog.names import is_backup_id
from sqlitevault.ground.errors import ManifestInvalid, NewerFormat
from sqlitevault.ground.facts import ARCHIVE_SUFFIX, CONFIG_PREFIX, Tier
from sqlitevault.ground.report import Moment, Report, Seconds

FORMAT = 1
# Far above any backup; millions of empty entries would take gigabytes to parse.
_MOST_ENTRIES = 300_000


class Scope(StrEnum):
    """The parts that a backup holds or a restore brings back."""

    ALL = "all"
    DATABASE = "database"
    CONFIG = "config"


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class Source(Report):
    """The origin of the backup."""

    name: str
    path: str
    host: str


class Database(Report):
    """The database at the time of the snapshot (SQLite file format, section 1.3).

    `schema_digest` covers tables, indexes, views, triggers and AUTOINCREMENT counters.
    """

    bytes: Count
    page_size: Count
    journal_mode: str
    sqlite_version: str
    user_version: int
    application_id: int
    encoding: str
    schema_digest: str | None = None


class Snapshot(Report):
    """The consistent copy. `writer_stall_seconds`: the longest time that a writer may have waited."""

    method: str
    attempts: Annotated[int, Field(ge=1)]
    seconds: Annotated[Seconds, Field(ge=0)]
    writer_stall_seconds: Annotated[Seconds, Field(ge=0)] = 0.0


class Table(Report):
    """One table: its number of rows, and a digest of them that does not depend on the page layout.

    `digest` is None only in backups by the original shell script, which computed none.
    """

    name: str
    rows: Count
    digest: str | None = None


class File(Report):
    """One member of the archive, its path relative to the archive's top folder."""

    path: str
    bytes: Count
    sha256: Sha256


class Archive(Report):
    """The archive as a file."""

    name: str
    bytes: Count
    sha256: Sha256


class Tool(Report):
    """The program that made the backup."""

    name: str = "sqlitevault"
    version: str


def _known_format(value: object) -> object:
    if isinstance(value, int) and value > FORMAT:
        raise NewerFormat(
            f"the backup has format {value}; this version reads up to {FORMAT}",
            hint="Restore it with a newer version of sqlitevault.",
        )
    return value


def _a_backup_id(value: str) -> str:
    if not is_backup_id(value):
        raise ValueError("not a backup id")
    return value


class Manifest(Report):
    """The commit record of one backup.

    Attributes:
        database, snapshot, tables: absent from a backup of only the configuration.
        archive: None only in the copy inside the archive.
        corrupt: the output of integrity_check if a damaged database was kept on explicit request: such a backup never
            counts as good.
    """

    title: ClassVar[str] = "the manifest"
    if_invalid: ClassVar[str] = "Use another backup: this one's manifest was damaged or not written by sqlitevault."
    format: Annotated[int, BeforeValidator(_known_format), Field(ge=1)] = FORMAT
    backup_id: Annotated[str, AfterValidator(_a_backup_id)]
    created_at: Moment
    tier: Tier
    scope: Scope
    source: Source
    database: Database | None = None
    snapshot: Snapshot | None = None
    # FailFast: a hostile manifest may hold millions of wrong entries, whose errors would fill the memory.
    tables: Annotated[tuple[Table, ...], FailFast()] = ()
    files: Annotated[tuple[File, ...], FailFast()]
    archive: Archive | None = None
    tool: Tool
    corrupt: Annotated[tuple[str, ...], FailFast()] = ()

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
        """Path of the database in the archive, if it holds one. Configuration files are in `config/`."""
        return next((file.path for file in self.files if "/" not in file.path and file.path.endswith(".db")), None)

    def lacks(self, scope: Scope) -> str | None:
        """Return what a restore of this scope would not find in the backup, or None."""
        if scope is not Scope.CONFIG and self.database is None:
            return "holds no database"
        if scope is Scope.CONFIG and not any(file.path.startswith(CONFIG_PREFIX) for file in self.files):
            return "holds no configuration"
        return None

    def to_json(self) -> bytes:
        """Return the manifest as UTF-8 JSON without the absent fields."""
        return (self.model_dump_json(indent=2, exclude_none=True) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Parse a manifest.

        Raises:
            ManifestInvalid: it is not JSON, a field is missing or wrong, or its format is newer (NewerFormat).
        """
        if sum(map(data.count, (b"{", b"[", b","))) > _MOST_ENTRIES:
            raise ManifestInvalid("the manifest has more entries than any backup", hint=cls.if_invalid)
        return super().from_json(data)
