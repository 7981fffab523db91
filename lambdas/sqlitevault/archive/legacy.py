"""Archives of the original `backup.sh`, translated to format 1.

They list their members in any order, folders too, and MANIFEST.json was made after `checksums.sha256`, so nothing is
known in advance: sizes are limited by the archive's own size, and all proof comes at the end. `checksums.sha256` lists
itself although it was still being written, so that one line cannot match and is not compared.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict

from pydantic import AwareDatetime, BaseModel, ValidationError

from sqlitevault.archive import limits
from sqlitevault.archive.intake import Intake
from sqlitevault.archive.members import CHECKSUMS, MANIFEST, STATISTICS, in_order, parse_checksums
from sqlitevault.archive.refusals import damaged, shown
from sqlitevault.archive.tar_stream import Entry
from sqlitevault.catalog.manifest import Database, File, Manifest, Scope, Source, Table, Tool
from sqlitevault.catalog.names import database_name, is_backup_id
from sqlitevault.database.header import HEADER_BYTES, parse_header
from sqlitevault.ground.errors import ChecksumMismatch, IntegrityCheckFailed, ManifestInvalid, SourceCorrupt
from sqlitevault.ground.facts import CONFIG_PREFIX, Tier

_TAKE_ANOTHER = "Take another backup: this one is not complete as the original script left it."
_TOOL = Tool(name="backup.sh", version="1")


class _Original(BaseModel):
    """The manifest that the original script writes."""

    backup_name: str
    timestamp: AwareDatetime
    hostname: str
    database_path: str


def is_legacy_manifest(content: bytes) -> bool:
    """Return whether a MANIFEST.json is the original script's: it has no format number."""
    if len(content) > limits.LEGACY_MANIFEST:
        return False
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "backup_name" in document and "format" not in document


def legacy_limit(archive_bytes: int) -> int:
    """Return how many bytes an archive of this size may unpack to: 200 times its size, from 64 MiB to 100 GiB."""
    return min(limits.LEGACY_BYTES, max(limits.LEGACY_ALWAYS_ALLOWED, limits.LEGACY_RATIO * archive_bytes))


def read_legacy(manifest: bytes | None, arriving: Iterator[Entry], intake: Intake) -> Manifest:
    """Receive all members, compare them with the archive's checksums, and translate its manifest.

    Args:
        manifest: content of MANIFEST.json if it was already read.
        arriving: the remaining entries.
        intake: receives them.

    Raises:
        ManifestInvalid: the manifest is missing, malformed, or of another archive.
        ChecksumMismatch: a member is missing, not listed, or different.
        IntegrityCheckFailed: the database is not a SQLite database.
        SourceUnsupported: the database needs a newer version.
        ArchiveUnsafe: as `Intake.accept` and `Intake.receive_small`.
    """
    kept = {} if manifest is None else {MANIFEST: manifest}
    for entry in arriving:
        path = intake.accept(entry)
        if entry.is_folder:
            continue
        if path in (MANIFEST, CHECKSUMS, STATISTICS):
            kept[path] = intake.receive_small(path, entry)
        else:
            head = intake.receive(path, entry, keep=HEADER_BYTES)
            if _is_database(path):
                kept[path] = head
    original = _original(kept, intake.top)
    _require_checksums(kept.get(CHECKSUMS), intake)
    return _translated(original, kept, intake)


def _original(kept: dict[str, bytes], top: str) -> _Original:
    if MANIFEST not in kept:
        raise ManifestInvalid("the archive has no MANIFEST.json", hint="Take another backup: this one is incomplete.")
    if not is_legacy_manifest(kept[MANIFEST]):
        raise ManifestInvalid(
            "MANIFEST.json is not the archive's first member, and not the original script's",
            hint="Take another backup, or the archive as it was made: this one was packed again.",
        )
    try:
        original = _Original.model_validate_json(kept[MANIFEST])
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))
        raise ManifestInvalid(f"the archive's manifest is not valid: {where}", hint=_TAKE_ANOTHER) from error
    if original.backup_name != top or not is_backup_id(original.backup_name):
        raise ManifestInvalid(
            f"the archive's manifest is for {shown(original.backup_name)}, its top folder is {shown(top)}",
            hint=_TAKE_ANOTHER,
        )
    return original


def _require_checksums(content: bytes | None, intake: Intake) -> None:
    if content is None:
        raise ChecksumMismatch("the archive has no checksums.sha256", hint=_TAKE_ANOTHER)
    recorded = parse_checksums(content)
    recorded.pop(CHECKSUMS, None)
    found = {path: file.sha256 for path, file in intake.files.items() if path not in (MANIFEST, CHECKSUMS)}
    wrong = {path for path in recorded.keys() | found.keys() if recorded.get(path) != found.get(path)}
    if wrong:
        first = min(wrong)
        what = "differs" if first in recorded and first in found else "is missing"
        where = "" if first in found else " from the archive" if first in recorded else " from checksums.sha256"
        raise damaged(f"{len(wrong)} members are not what was backed up: {shown(first)} {what}{where}")


def _translated(original: _Original, kept: dict[str, bytes], intake: Intake) -> Manifest:
    files = tuple(in_order(file for path, file in intake.files.items() if path not in (MANIFEST, CHECKSUMS)))
    databases = [file for file in files if _is_database(file.path)]
    if len(databases) > 1:
        raise ManifestInvalid("the archive holds more than one database", hint=_TAKE_ANOTHER)
    return Manifest(
        backup_id=original.backup_name,
        created_at=original.timestamp,
        tier=Tier.MANUAL,
        scope=_scope(files, databases),
        source=Source(name=database_name(original.backup_name), path=original.database_path, host=original.hostname),
        database=_facts(databases[0], kept[databases[0].path]) if databases else None,
        tables=_tables(kept.get(STATISTICS, b"")),
        files=files,
        tool=_TOOL,
    )


def _is_database(path: str) -> bool:
    return "/" not in path and path.endswith(".db")


def _scope(files: tuple[File, ...], databases: list[File]) -> Scope:
    has_config = any(file.path.startswith(CONFIG_PREFIX) for file in files)
    if databases:
        return Scope.ALL if has_config else Scope.DATABASE
    if has_config:
        return Scope.CONFIG
    raise ManifestInvalid("the archive holds neither a database nor configuration", hint=_TAKE_ANOTHER)


def _facts(database: File, head: bytes) -> Database:
    try:
        header = parse_header(head)
    except SourceCorrupt as error:
        raise IntegrityCheckFailed(f"{database.path} in the archive: {error}", hint=_TAKE_ANOTHER) from error
    return Database(bytes=database.bytes, **asdict(header))


def _tables(statistics: bytes) -> tuple[Table, ...]:
    """Parse the lines `table: rows` below a heading."""
    tables: list[Table] = []
    for line in statistics.decode("utf-8", "replace").splitlines()[1:]:
        name, _, rows = line.rpartition(": ")
        if not line.strip():
            continue
        if not name or not rows.isascii() or not rows.isdigit():
            raise ManifestInvalid(f"db_stats.txt has a line that cannot be used: {shown(line)}", hint=_TAKE_ANOTHER)
        tables.append(Table(name=name, rows=int(rows)))
    return tuple(tables)
