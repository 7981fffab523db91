"""The database's part of a backup: a checked copy, SQL dump, row counts, key metadata, statistics."""

from dataclasses import asdict, dataclass
from pathlib import Path

from sqlitevault.archive.members import STATISTICS, Member
from sqlitevault.catalog.manifest import Database, Snapshot, Table
from sqlitevault.database.application_tables import key_metadata
from sqlitevault.database.checks import CheckReport, check
from sqlitevault.database.content import read_tables, schema_digest, statistics
from sqlitevault.database.header import read_header
from sqlitevault.dump.write import write_dump
from sqlitevault.ground.errors import IntegrityCheckFailed, SourceCorrupt, SourceUnsupported
from sqlitevault.ground.steps import Steps
from sqlitevault.site import Site
from sqlitevault.snapshot import SnapshotOptions, SnapshotResult, take_snapshot

# A torn copy is copied again; damage in the source itself comes back each time.
_COPIES_TRIED = 3
_SHOWN_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Captured:
    """What a backup holds of the database. `corrupt` is empty unless a damaged database was kept on request."""

    database: Database | None = None
    snapshot: Snapshot | None = None
    tables: tuple[Table, ...] = ()
    members: tuple[Member, ...] = ()
    corrupt: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def capture_database(site: Site, scratch: Path, steps: Steps, *, allow_corrupt: bool) -> Captured:
    """Copy the live database into `scratch`, check the copy, and derive the rest only from that copy.

    Raises:
        SourceNotFound, SourceBusy: no copy could be made.
        SourceCorrupt: integrity_check finds damage in every copy, and `allow_corrupt` is not set.
        SourceUnsupported: the database needs a newer SQLite.
    """
    source, copy = site.settings.database_path, scratch / f"{site.database_name}.db"
    taken, found = _checked_copy(source, copy, SnapshotOptions.of(site.settings), steps)
    if found.integrity and not allow_corrupt:
        raise SourceCorrupt(
            f"{source} is corrupt; integrity_check says: {'; '.join(found.integrity[:_SHOWN_PROBLEMS])}",
            hint="Restore the newest good backup, or keep this state for salvage with --allow-corrupt.",
        )
    schema: str | None
    try:
        with steps.step("count and digest"):
            tables, schema = read_tables(copy), schema_digest(copy)
        members = _derived(site, copy, tables, steps)
    except (SourceCorrupt, SourceUnsupported, IntegrityCheckFailed):
        if not found.integrity:
            raise
        tables, schema, members = (), None, (Member(copy.name, copy),)
    database = {"bytes": copy.stat().st_size, "schema_digest": schema, "journal_mode": taken.journal_mode}
    return Captured(
        database=Database.model_validate(asdict(read_header(copy)) | database),
        snapshot=Snapshot.model_validate(taken, from_attributes=True),
        tables=tables,
        members=members,
        corrupt=found.integrity,
        warnings=tuple(f"foreign key: {violation}" for violation in found.foreign_keys),
    )


def _checked_copy(
    source: Path, copy: Path, options: SnapshotOptions, steps: Steps
) -> tuple[SnapshotResult, CheckReport]:
    """Return how the copy was made, and the problems of the last one tried."""
    for _ in range(_COPIES_TRIED):
        copy.unlink(missing_ok=True)
        with steps.step("snapshot", _size(source)) as on_bytes:
            taken = take_snapshot(source, copy, options, on_bytes=on_bytes)
        with steps.step("integrity check"):
            try:
                found = check(copy)
            except SourceCorrupt as error:
                found = CheckReport((str(error),), ())
        if not found.integrity:
            break
    return taken, found


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None  # the snapshot reports what is wrong


def _derived(site: Site, copy: Path, tables: tuple[Table, ...], steps: Steps) -> tuple[Member, ...]:
    """Return the copy and all files that are made from it."""
    scratch, dump = copy.parent, copy.with_suffix(".sql")
    with steps.step("SQL dump", copy.stat().st_size) as on_bytes:
        write_dump(copy, dump, on_bytes=on_bytes, durable=False)
    texts = {STATISTICS: statistics(tables)}
    keys = site.profile.keys
    listed = key_metadata(copy, keys) if keys else None
    if keys and listed is not None:
        texts[keys.member] = listed
    for name, content in texts.items():
        (scratch / name).write_bytes(content)
    return (*(Member(name, scratch / name) for name in texts), Member(copy.name, copy), Member(dump.name, dump))
