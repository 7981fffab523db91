"""Restore single tables after an accidental deletion: into a side database, or merged into the live one."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sqlitevault.catalog.drill_report import Check
from sqlitevault.catalog.manifest import Manifest, Table
from sqlitevault.database.checks import check
from sqlitevault.database.content import read_tables
from sqlitevault.database.difference import compare_table
from sqlitevault.database.merging import TableMerge, merge_tables
from sqlitevault.database.table_copy import copy_tables
from sqlitevault.ground.errors import (
    BackupNotFound,
    ConfigError,
    IntegrityCheckFailed,
    SourceNotFound,
    SqliteVaultError,
)
from sqlitevault.ground.files import sync
from sqlitevault.ground.quantities import counted
from sqlitevault.ground.report import Moment, Report, Seconds
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.proof.proof import different_tables
from sqlitevault.restore import durable
from sqlitevault.restore.plan import impatient
from sqlitevault.restore.promote import swap_in
from sqlitevault.restore.retrieval import Retrieved
from sqlitevault.restore.target import Target, kept_path
from sqlitevault.site import Site
from sqlitevault.snapshot import take_snapshot


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

    `refused_rows` could not be written because a newer row has the same unique value; `dangling_rows` refer to rows
    which do not exist.
    """

    backup_id: str
    database: str
    kept: str
    merged_at: Moment
    rows_written: dict[str, int]
    refused_rows: dict[str, int]
    dangling_rows: dict[str, int]
    next_steps: tuple[str, ...]


def plan_tables(site: Site, source: Retrieved, tables: Sequence[str], side: Path | None = None) -> TablesPlan:
    """Compare tables of a backup with the live ones; changes nothing. `side`: where the side database would be made.

    Raises:
        ConfigError: the backup has no such table.
    """
    target, wanted = Target.of(site), _recorded(source, tables)
    with scratch_directory(site.settings.scratch) as work:
        live, problem = work / "live.db", None
        try:
            take_snapshot(target.database, live, impatient(site))
        except SqliteVaultError as error:
            problem = str(error)
        compared = tuple(_compared(live, source.require_database(), table, problem) for table in wanted)
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


def _recorded(source: Retrieved, names: Sequence[str]) -> tuple[Table, ...]:
    found = {table.name.lower(): table for table in read_tables(source.require_database())}
    missing = [name for name in names if name.lower() not in found]
    if missing:
        raise ConfigError(
            f"{source.manifest.backup_id} has no table {', '.join(missing)}",
            hint=f"It has: {', '.join(sorted(table.name for table in found.values()))}.",
        )
    return tuple(found[name] for name in dict.fromkeys(name.lower() for name in names))


def _compared(live: Path, copy: Path, table: Table, problem: str | None) -> TableComparison:
    found: dict[str, int] = {}
    if not problem:
        try:
            found = asdict(compare_table(live, copy, table.name))
        except SqliteVaultError as error:
            problem = str(error)
    return TableComparison(table=table.name, rows_in_backup=table.rows, problem=problem, **found)


def make_side_database(site: Site, source: Retrieved, tables: Sequence[str], side: Path | None = None) -> SideReport:
    """Put tables of a backup into a database of their own, proven; the live database is not changed.

    It is made at `side`, by default beside the live database.

    Raises:
        ConfigError: there is no such table, or `side` is the live database.
        IntegrityCheckFailed: the side database is not equal to what was backed up.
        TargetUnwritable: its folder cannot be written.
    """
    target = Target.of(site)
    place = Target(side or target.tables(source.manifest.backup_id))
    place.require_writable()
    with scratch_directory(place.directory) as work:
        made = work / "tables.db"
        copy_tables(source.require_database(), made, tables)
        found = read_tables(made)
        checked = _prove_side(made, found, source.manifest)
        if target.database.exists():
            durable.like(target.database, made)
        kept = swap_in(place, made, now=site.now())
    return SideReport(
        backup_id=source.manifest.backup_id,
        side_database=str(place.database),
        kept=str(kept) if kept else None,
        created_at=source.manifest.created_at,
        tables={table.name: table.rows for table in found},
        checks=(*source.checks, checked),
        repairs=source.repairs,
        next_steps=(
            f"Look at it: sqlite3 {place.database}",
            "Bring rows back with restore --table … --merge (or --missing-only), or copy them by hand.",
        ),
    )


def _prove_side(made: Path, found: Sequence[Table], manifest: Manifest) -> Check:
    integrity = check(made).integrity
    names = {table.name for table in found}
    differences = different_tables(tuple(table for table in manifest.tables if table.name in names), tuple(found))
    if integrity or differences:
        raise IntegrityCheckFailed(
            f"the side database differs from the backup: {'; '.join([*integrity[:3], *differences])}",
            hint="Restore the whole database to another place with --target, and copy from there.",
        )
    detail = f"{counted(len(found), 'table')}, {counted(sum(table.rows for table in found), 'row')}, digests equal"
    return Check(name="side database", passed=True, detail=detail)


def merge(site: Site, copy: Path, backup_id: str, tables: Sequence[str], *, missing_only: bool) -> MergeReport:
    """Restore rows of tables from a proven copy, after keeping a snapshot of the live database.

    `missing_only` only brings deleted rows back; without it changed rows are set back too. It is one transaction, and
    the application may keep running.

    Raises:
        SourceNotFound: there is no live database.
        ConfigError: a table cannot be merged; the hint says what else to do.
        SourceBusy: the live database is locked.
        SourceCorrupt: the live database is damaged.
    """
    require_mergeable(site, copy, tables)
    target, now = Target.of(site), site.now()
    kept = kept_path(target.database, now)
    take_snapshot(target.database, kept)
    durable.like(target.database, kept)
    sync(kept)
    sync(kept.parent)
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
        refused_rows={one.table: one.refused_rows for one in merged if one.refused_rows},
        dangling_rows={one.table: one.dangling_rows for one in merged if one.dangling_rows},
        next_steps=_next_steps(site, merged),
    )


def require_mergeable(site: Site, copy: Path, tables: Sequence[str]) -> None:
    """Check that the tables can be merged, before anything is asked or kept.

    Raises:
        SourceNotFound, ConfigError, SourceBusy, SourceCorrupt: as `merge`.
    """
    live = Target.of(site).database
    if not live.exists():
        raise SourceNotFound(f"there is no database {live} to merge into", hint="Restore the whole database first.")
    for table in tables:
        compare_table(live, copy, table)


def _next_steps(site: Site, merged: Sequence[TableMerge]) -> tuple[str, ...]:
    refused = (
        f"{one.refused_rows:,} rows of {one.table} were left out because newer rows have their unique values: restore "
        "the table without --merge and copy them by hand."
        for one in merged
        if one.refused_rows
    )
    dangling = (
        f"{one.dangling_rows:,} rows of {one.table} refer to rows that do not exist: restore those tables as well."
        for one in merged
        if one.dangling_rows
    )
    check = site.profile.after_restore
    last = (f"{check[0].upper()}{check[1:]}.", "Take a fresh backup now: sqlitevault backup")
    return (*refused, *dangling, *last)


def merge_staged(site: Site, backup_id: str, tables: Sequence[str], *, missing_only: bool) -> MergeReport:
    """Merge the side database that was made beside the target, and delete it.

    Raises:
        BackupNotFound: there is none of this backup.
        Otherwise as `merge`.
    """
    target = Target.of(site)
    side = target.tables(backup_id)
    if not side.exists():
        raise BackupNotFound(f"no tables of {backup_id} are beside {target.database}", hint="Stage them first.")
    report = merge(site, side, backup_id, tables, missing_only=missing_only)
    side.unlink()
    sync(side.parent)
    return report
