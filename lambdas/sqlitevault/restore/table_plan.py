"""Plan the restore of single tables: compare a backup's tables with the live ones."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlitevault.catalog.drill_report import Check
from sqlitevault.catalog.manifest import Manifest, Scope, Table
from sqlitevault.catalog.selection import Selected
from sqlitevault.database.content import read_tables
from sqlitevault.database.difference import compare_table
from sqlitevault.ground.errors import BackupNotFound, ConfigError, SqliteVaultError
from sqlitevault.ground.report import Moment, Report, Seconds
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps, Watcher
from sqlitevault.proof.drill import database_in
from sqlitevault.restore.plan import impatient
from sqlitevault.restore.retrieval import Retrieval
from sqlitevault.restore.target import Target
from sqlitevault.site import Site
from sqlitevault.snapshot import take_snapshot


@dataclass(frozen=True, slots=True)
class Origin:
    """A backup's database in scratch, proven, and how it got there."""

    selected: Selected
    database: Path
    manifest: Manifest
    checks: tuple[Check, ...]
    repairs: tuple[str, ...]


class TableComparison(Report):
    """A table in the backup and now. None: not known, see `problem`.

    `deleted_rows` are only in the backup, `newer_rows` only in the live table, by primary key.
    """

    table: str
    rows_in_backup: int
    deleted_rows: int | None = None
    different_rows: int | None = None
    newer_rows: int | None = None
    same_rows: int | None = None
    problem: str | None = None


class TablesPlan(Report):
    """The result of restoring the tables. `side_database` is where they would be put if they are not merged."""

    backup_id: str
    vault: str
    reason: str
    skipped: tuple[str, ...]
    created_at: Moment
    data_loss_seconds: Seconds
    target: str
    side_database: str
    tables: tuple[TableComparison, ...]
    repairs: tuple[str, ...]

    def returning(self, *, missing_only: bool) -> int:
        """Return how many rows a merge would write."""
        changed = (0 if missing_only else table.different_rows or 0 for table in self.tables)
        return sum(table.deleted_rows or 0 for table in self.tables) + sum(changed)


@contextmanager
def origin(site: Site, selected: Selected, watcher: Watcher | None = None) -> Iterator[Origin]:
    """Give the database of a backup, proven; it exists until the end of the body.

    Raises:
        BackupNotFound: the backup holds no database.
        ChecksumMismatch, ArchiveUnsafe, ManifestInvalid, IntegrityCheckFailed: it cannot be proven.
        VaultUnavailable, ScratchFull: it could not be fetched.
    """
    with scratch_directory(site.settings.scratch) as work:
        found = Retrieval(selected, Scope.DATABASE, work, work, Steps(watcher), site.replica).run()
        database = database_in(found.folder, found.manifest)
        if database is None:
            raise BackupNotFound(f"{selected.label} holds no database", hint="Choose a backup of the database.")
        yield Origin(selected, database, found.manifest, found.checks, found.repairs)


def plan_tables(site: Site, source: Origin, tables: Sequence[str], side: Path | None = None) -> TablesPlan:
    """Compare tables of a backup with the live ones; changes nothing. `side`: where the side database would be made.

    Raises:
        ConfigError: the backup has no such table.
    """
    target, wanted = Target.of(site), _recorded(source, tables)
    with scratch_directory(site.settings.scratch) as work:
        live, problem = _live_copy(site, work / "live.db")
        compared = tuple(_compare(live, problem, source.database, table) for table in wanted)
    manifest = source.manifest
    return TablesPlan(
        backup_id=manifest.backup_id,
        vault=source.selected.vault.location,
        reason=source.selected.reason,
        skipped=source.selected.skipped,
        created_at=manifest.created_at,
        data_loss_seconds=(site.now() - manifest.created_at).total_seconds(),
        target=str(target.database),
        side_database=str(side or target.tables(manifest.backup_id)),
        tables=compared,
        repairs=source.repairs,
    )


def _recorded(source: Origin, names: Sequence[str]) -> tuple[Table, ...]:
    found = {table.name.lower(): table for table in read_tables(source.database)}
    missing = [name for name in names if name.lower() not in found]
    if missing:
        raise ConfigError(
            f"{source.manifest.backup_id} has no table {', '.join(missing)}",
            hint=f"It has: {', '.join(sorted(table.name for table in found.values()))}.",
        )
    return tuple(found[name] for name in dict.fromkeys(name.lower() for name in names))


def _live_copy(site: Site, copy: Path) -> tuple[Path | None, str | None]:
    try:
        take_snapshot(Target.of(site).database, copy, impatient(site))
    except SqliteVaultError as error:
        return None, str(error)
    return copy, None


def _compare(live: Path | None, problem: str | None, copy: Path, table: Table) -> TableComparison:
    if live is None:
        return TableComparison(table=table.name, rows_in_backup=table.rows, problem=problem)
    try:
        found = compare_table(live, copy, table.name)
    except SqliteVaultError as error:
        return TableComparison(table=table.name, rows_in_backup=table.rows, problem=str(error))
    return TableComparison(
        table=table.name,
        rows_in_backup=table.rows,
        deleted_rows=found.only_in_copy,
        different_rows=found.different,
        newer_rows=found.only_live,
        same_rows=found.same,
    )
