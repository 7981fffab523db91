"""Restore one table: into a side database, or merged into the live one. The answer to an accidental deletion."""

from datetime import datetime
from pathlib import Path

from sqlitevault.errors import BackupNotFound
from sqlitevault.services.report import Moment, Report
from sqlitevault.services.restore import durable
from sqlitevault.services.restore.stage import DATABASE
from sqlitevault.services.restore.target import Target, kept_path
from sqlitevault.snapshot import take_snapshot
from sqlitevault.table_merge import compare_table, merge_table


class TablePlan(Report):
    """What merging a table would do. `deleted_rows` are in the backup alone; `newer_rows` in the live table alone."""

    backup_id: str
    table: str
    deleted_rows: int
    newer_rows: int
    different_rows: int
    same_rows: int


class TableReport(Report):
    """What merging did. `kept` is a snapshot of the database before it."""

    backup_id: str
    table: str
    rows_written: int
    kept: str
    merged_at: Moment


def plan_table(target: Target, backup_id: str, table: str, scratch: Path) -> TablePlan:
    """Compare a table of the staged backup with the live one; changes nothing.

    Raises:
        BackupNotFound: the backup is not staged, or holds no database.
        ConfigError: the table cannot be merged; the hint says what else to do.
        SourceBusy, SourceCorrupt: the live database could not be copied for the comparison.
    """
    copy = scratch / "live.db"
    take_snapshot(target.database, copy)
    found = compare_table(copy, _staged_database(target, backup_id), table)
    return TablePlan(
        backup_id=backup_id,
        table=table,
        deleted_rows=found.only_in_copy,
        newer_rows=found.only_live,
        different_rows=found.different,
        same_rows=found.same,
    )


def merge(target: Target, backup_id: str, table: str, *, missing_only: bool, now: datetime) -> TableReport:
    """Bring a table's rows back from the staged backup, after a snapshot of the live database was kept.

    `missing_only` brings deleted rows back and touches no other; without it rows that differ are set back too.

    Raises:
        BackupNotFound: the backup is not staged, or holds no database.
        ConfigError: the table cannot be merged; the hint says what else to do.
        SourceBusy: the live database is locked.
    """
    staged = _staged_database(target, backup_id)
    kept = kept_path(target.database, now)
    take_snapshot(target.database, kept)
    durable.like(target.database, kept)
    written = merge_table(target.database, staged, table, missing_only=missing_only)
    return TableReport(backup_id=backup_id, table=table, rows_written=written, kept=str(kept), merged_at=now)


def _staged_database(target: Target, backup_id: str) -> Path:
    staged = target.staged(backup_id) / DATABASE
    if not staged.exists():
        raise BackupNotFound(f"{backup_id} is not staged beside {target.database}", hint="Stage it first.")
    return staged
