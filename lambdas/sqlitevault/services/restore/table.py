"""Restore single tables: into a side database, or merged into the live one. The answer to an accidental deletion."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlitevault.database import check, read_tables
from sqlitevault.errors import BackupNotFound, ConfigError, IntegrityCheckFailed, SourceNotFound, SqliteVaultError
from sqlitevault.manifest import Manifest, Scope, Table, created_at
from sqlitevault.services.drill import database_in
from sqlitevault.services.drill_report import Check
from sqlitevault.services.proof import different_tables
from sqlitevault.services.report import Moment, Report, Seconds
from sqlitevault.services.restore import durable
from sqlitevault.services.restore.promote import swap_in
from sqlitevault.services.restore.retrieval import Retrieval
from sqlitevault.services.restore.target import Target, kept_path
from sqlitevault.services.scratch import scratch_directory
from sqlitevault.services.selection import Selected
from sqlitevault.services.steps import Steps, Watcher
from sqlitevault.snapshot import SnapshotOptions, take_snapshot
from sqlitevault.table_copy import copy_tables
from sqlitevault.table_merge import compare_table, merge_tables
from sqlitevault.vault import Vault


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

    `deleted_rows` are in the backup alone, `newer_rows` in the live table alone, by primary key.
    """

    table: str
    rows_in_backup: int
    deleted_rows: int | None = None
    different_rows: int | None = None
    newer_rows: int | None = None
    same_rows: int | None = None
    problem: str | None = None


class TablesPlan(Report):
    """What restoring the tables would bring. `side_database` is where they would lie if they are not merged."""

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
        """How many rows a merge would write."""
        changed = (0 if missing_only else table.different_rows or 0 for table in self.tables)
        return sum(table.deleted_rows or 0 for table in self.tables) + sum(changed)


class SideReport(Report):
    """A side database with the tables of a backup. `kept`: what had its name before."""

    backup_id: str
    side_database: str
    kept: str | None
    created_at: Moment
    tables: dict[str, int]
    checks: tuple[Check, ...]
    repairs: tuple[str, ...]
    next_steps: tuple[str, ...]


class MergeReport(Report):
    """Tables merged into the live database. `rows_written` by table; `kept` is a snapshot from before.

    `dangling_rows`: rows of a table that refer to rows which do not exist.
    """

    backup_id: str
    database: str
    kept: str
    merged_at: Moment
    rows_written: dict[str, int]
    dangling_rows: dict[str, int]
    next_steps: tuple[str, ...]


@contextmanager
def origin(
    selected: Selected, scratch: Path | None = None, watcher: Watcher | None = None, replica: Vault | None = None
) -> Iterator[Origin]:
    """Give the database of a backup, proven; it is gone afterwards.

    Raises:
        BackupNotFound: the backup holds no database.
        ChecksumMismatch, ArchiveUnsafe, ManifestInvalid, IntegrityCheckFailed: it cannot be proven.
        VaultUnavailable, ScratchFull: it could not be fetched.
    """
    with scratch_directory(scratch) as work:
        found = Retrieval(selected, Scope.DATABASE, work, work, Steps(watcher), replica).run()
        database = database_in(found.folder, found.manifest)
        if database is None:
            raise BackupNotFound(f"{selected.label} holds no database", hint="Choose a backup of the database.")
        yield Origin(selected, database, found.manifest, found.checks, found.repairs)


def plan_tables(
    source: Origin,
    target: Target,
    tables: Sequence[str],
    *,
    now: datetime,
    scratch: Path | None = None,
    options: SnapshotOptions | None = None,
) -> TablesPlan:
    """Compare tables of a backup with the live ones; changes nothing.

    Raises:
        ConfigError: the backup has no such table.
    """
    wanted = _recorded(source, tables)
    with scratch_directory(scratch) as work:
        live, problem = _live_copy(target, work, options)
        compared = tuple(_compare(live, problem, source.database, table) for table in wanted)
    manifest = source.manifest
    return TablesPlan(
        backup_id=manifest.backup_id,
        vault=source.selected.vault.location,
        reason=source.selected.reason,
        skipped=source.selected.skipped,
        created_at=manifest.created_at,
        data_loss_seconds=(now - manifest.created_at).total_seconds(),
        target=str(target.database),
        side_database=str(target.tables(manifest.backup_id)),
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


def _live_copy(target: Target, work: Path, options: SnapshotOptions | None) -> tuple[Path | None, str | None]:
    try:
        take_snapshot(target.database, work / "live.db", options or SnapshotOptions())
    except SqliteVaultError as error:
        return None, str(error)
    return work / "live.db", None


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


def make_side_database(
    source: Origin, target: Target, tables: Sequence[str], *, side: Path, now: datetime
) -> SideReport:
    """Put tables of a backup into a database of their own at `side`, proven; the live database is not touched.

    Raises:
        ConfigError: there is no such table, or `side` is the live database.
        IntegrityCheckFailed: the side database is not equal to what was backed up.
        TargetUnwritable: its folder cannot be written.
    """
    place = Target(side, target.config_root)
    place.require_writable()
    with scratch_directory(place.directory) as work:
        made = work / "tables.db"
        copy_tables(source.database, made, tables)
        checked = _prove_side(made, source.manifest)
        counted = {table.name: table.rows for table in read_tables(made)}
        if target.database.exists():
            durable.like(target.database, made)
        kept = swap_in(place, made, now=now)
    return SideReport(
        backup_id=source.manifest.backup_id,
        side_database=str(side),
        kept=str(kept) if kept else None,
        created_at=source.manifest.created_at,
        tables=counted,
        checks=(*source.checks, checked),
        repairs=source.repairs,
        next_steps=(
            f"Look at it: sqlite3 {side}",
            "Bring rows back with restore --table … --merge (or --missing-only), or copy them by hand.",
        ),
    )


def _prove_side(made: Path, manifest: Manifest) -> Check:
    integrity = check(made).integrity
    found = read_tables(made)
    names = {table.name for table in found}
    differences = different_tables(tuple(table for table in manifest.tables if table.name in names), found)
    if integrity or differences:
        raise IntegrityCheckFailed(
            f"the side database differs from the backup: {'; '.join([*integrity[:3], *differences])}",
            hint="Restore the whole database to another place with --target, and copy from there.",
        )
    rows = sum(table.rows for table in found)
    return Check(name="side database", passed=True, detail=f"{len(found)} tables, {rows:,} rows, digests equal")


def merge(
    copy: Path, backup_id: str, target: Target, tables: Sequence[str], *, missing_only: bool, now: datetime
) -> MergeReport:
    """Bring tables' rows back from a proven copy, after a snapshot of the live database was kept.

    `missing_only` brings deleted rows back and touches no other; without it rows that differ are set back too. It is
    one transaction: the application may go on meanwhile.

    Raises:
        SourceNotFound: there is no live database.
        ConfigError: a table cannot be merged; the hint says what else to do.
        SourceBusy: the live database is locked.
        SourceCorrupt: the live database is damaged.
    """
    require_mergeable(copy, target, tables)
    kept = kept_path(target.database, now)
    take_snapshot(target.database, kept)
    durable.like(target.database, kept)
    durable.sync_file(kept)
    durable.sync_directory(kept.parent)
    try:
        merged = merge_tables(target.database, copy, tables, missing_only=missing_only)
    except SqliteVaultError:
        kept.unlink()  # nothing was written
        raise
    return MergeReport(
        backup_id=backup_id,
        database=str(target.database),
        kept=str(kept),
        merged_at=now,
        rows_written={one.table: one.rows_written for one in merged},
        dangling_rows={one.table: one.dangling_rows for one in merged if one.dangling_rows},
        next_steps=_next_steps(tuple(one.table for one in merged if one.dangling_rows)),
    )


def require_mergeable(copy: Path, target: Target, tables: Sequence[str]) -> None:
    """See before anything is asked or kept that the tables can be merged.

    Raises:
        SourceNotFound, ConfigError, SourceBusy, SourceCorrupt: as `merge`.
    """
    if not target.database.exists():
        raise SourceNotFound(
            f"there is no database {target.database} to merge into", hint="Restore the whole database first."
        )
    for table in tables:
        compare_table(target.database, copy, table)


def _next_steps(dangling: Sequence[str]) -> tuple[str, ...]:
    steps = [f"Rows of {table} refer to rows that do not exist: restore those tables as well." for table in dangling]
    return (*steps, "Look at /health and /agents.", "Take a fresh backup now: sqlitevault backup")


def merge_staged(
    target: Target, backup_id: str, tables: Sequence[str], *, missing_only: bool, now: datetime
) -> MergeReport:
    """Merge the side database that was made beside the target, and remove it.

    Raises:
        BackupNotFound: there is none of this backup.
        Otherwise as `merge`.
    """
    side = target.tables(backup_id)
    if not side.exists():
        raise BackupNotFound(f"no tables of {backup_id} lie beside {target.database}", hint="Stage them first.")
    report = merge(side, backup_id, target, tables, missing_only=missing_only, now=now)
    side.unlink()
    durable.sync_directory(side.parent)
    return report


def newest_side_database(target: Target) -> str:
    """Return the id of the newest backup of which tables lie beside the target.

    Raises:
        BackupNotFound: there is none.
    """
    prefix = target.tables("").name
    found = [path.name.removeprefix(prefix) for path in target.directory.glob(f"{prefix}*_backup_????????_??????")]
    if not found:
        raise BackupNotFound(f"no tables lie beside {target.database}", hint="Stage them first.")
    return max(found, key=created_at)
