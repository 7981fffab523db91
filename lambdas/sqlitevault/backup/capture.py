"""Make everything of a backup that comes from the database: proven copy, dump, counts, key metadata, statistics."""

from dataclasses import dataclass
from pathlib import Path

from sqlitevault.archive.members import STATISTICS, Member
from sqlitevault.catalog.manifest import Database, Snapshot, Table
from sqlitevault.database.checks import check
from sqlitevault.database.content import read_tables, schema_digest
from sqlitevault.database.header import Header, read_header
from sqlitevault.database.summaries import key_metadata, statistics
from sqlitevault.dump.write import write_dump
from sqlitevault.ground.errors import IntegrityCheckFailed, SourceCorrupt, SourceUnsupported
from sqlitevault.ground.steps import Steps
from sqlitevault.snapshot import SnapshotOptions, SnapshotResult, take_snapshot

# A torn copy is copied again; damage in the source itself comes back each time.
_COPIES_TRIED = 3
_SHOWN_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Captured:
    """The database's part of a backup. `corrupt` is empty unless a damaged database was kept on request."""

    database: Database
    snapshot: Snapshot
    tables: tuple[Table, ...]
    members: tuple[Member, ...]
    corrupt: tuple[str, ...]
    warnings: tuple[str, ...]


def capture_database(
    source: Path, scratch: Path, *, name: str, options: SnapshotOptions, allow_corrupt: bool, steps: Steps
) -> Captured:
    """Copy the live database into `scratch`, prove the copy, and derive the rest from that copy alone.

    Raises:
        SourceNotFound, SourceBusy: no copy could be made.
        SourceCorrupt: integrity_check finds damage in every copy, and `allow_corrupt` is not set.
        SourceUnsupported: the database needs a newer SQLite.
    """
    copy = scratch / f"{name}.db"
    taken, problems, warnings = _proven_copy(source, copy, options, steps)
    if problems and not allow_corrupt:
        raise SourceCorrupt(
            f"{source} is corrupt; integrity_check says: {'; '.join(problems[:_SHOWN_PROBLEMS])}",
            hint="Restore the newest good backup, or keep this state for salvage with --allow-corrupt.",
        )
    header = read_header(copy)
    derived = _derive(copy, scratch, name, steps, damaged=bool(problems))
    return Captured(
        database=_facts(copy, header, taken, derived.schema),
        snapshot=Snapshot(
            method=taken.method,
            attempts=taken.attempts,
            seconds=round(taken.seconds, 3),
            writer_stall_seconds=round(taken.writer_stall_seconds, 3),
        ),
        tables=derived.tables,
        members=derived.members,
        corrupt=problems,
        warnings=warnings,
    )


def _proven_copy(
    source: Path, copy: Path, options: SnapshotOptions, steps: Steps
) -> tuple[SnapshotResult, tuple[str, ...], tuple[str, ...]]:
    problems: tuple[str, ...] = ()
    for _ in range(_COPIES_TRIED):
        copy.unlink(missing_ok=True)
        with steps.step("snapshot", _size(source)) as on_bytes:
            taken = take_snapshot(source, copy, options, on_bytes=on_bytes)
        with steps.step("integrity check"):
            problems, warnings = _problems(copy)
        if not problems:
            break
    return taken, problems, warnings


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None  # the snapshot will say what is wrong


def _problems(copy: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        found = check(copy)
    except SourceCorrupt as error:
        return (str(error),), ()
    return found.integrity, tuple(f"foreign key: {violation}" for violation in found.foreign_keys)


@dataclass(frozen=True, slots=True)
class _Derived:
    tables: tuple[Table, ...]
    schema: str | None
    members: tuple[Member, ...]


def _derive(copy: Path, scratch: Path, name: str, steps: Steps, *, damaged: bool) -> _Derived:
    try:
        return _derive_all(copy, scratch, name, steps)
    except (SourceCorrupt, SourceUnsupported, IntegrityCheckFailed):
        if not damaged:
            raise
    return _Derived((), None, (Member(copy.name, copy),))


def _derive_all(copy: Path, scratch: Path, name: str, steps: Steps) -> _Derived:
    with steps.step("count and digest"):
        tables = read_tables(copy)
        schema = schema_digest(copy)
        keys = key_metadata(copy)
    dump = scratch / f"{name}.sql"
    with steps.step("SQL dump", copy.stat().st_size) as on_bytes:
        write_dump(copy, dump, on_bytes=on_bytes, durable=False)
    members = [_written(scratch, STATISTICS, statistics(tables))]
    if keys is not None:
        members.append(_written(scratch, "api_keys_metadata.csv", keys))
    return _Derived(tables, schema, (*members, Member(copy.name, copy), Member(dump.name, dump)))


def _written(scratch: Path, name: str, content: bytes) -> Member:
    path = scratch / name
    path.write_bytes(content)
    return Member(name, path)


def _facts(copy: Path, header: Header, taken: SnapshotResult, schema: str | None) -> Database:
    return Database(
        bytes=copy.stat().st_size,
        page_size=header.page_size,
        journal_mode=taken.journal_mode,
        sqlite_version=header.sqlite_version,
        user_version=header.user_version,
        application_id=header.application_id,
        encoding=header.encoding,
        schema_digest=schema,
    )
