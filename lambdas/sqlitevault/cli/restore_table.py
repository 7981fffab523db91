"""`sqlitevault restore --table`: single tables, into a side database or merged into the live one."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlitevault.catalog.selection import Selected
from sqlitevault.cli.consent import Consent
from sqlitevault.cli.output import print_json, progress
from sqlitevault.cli.table_output import show_merged, show_side_database, show_tables
from sqlitevault.ground.errors import ConfigError, TargetExists
from sqlitevault.ground.settings import Settings
from sqlitevault.restore import (
    PATIENCE_SECONDS,
    Origin,
    TablesPlan,
    Target,
    make_side_database,
    merge,
    origin,
    plan_tables,
    require_mergeable,
)
from sqlitevault.site import utc_now
from sqlitevault.snapshot import SnapshotOptions
from sqlitevault.vault.protocol import Vault


@dataclass(frozen=True, slots=True)
class TableOrder:
    """Which tables, and what to do with them. `side`: where the side database goes, if not beside the live one."""

    tables: Sequence[str]
    merge: bool
    missing_only: bool
    side: Path | None
    dry_run: bool

    @property
    def merges(self) -> bool:
        """Whether the live database is to be changed."""
        return self.merge or self.missing_only


def table_order(
    tables: Sequence[str], merge: bool, missing_only: bool, side: Path | None, dry_run: bool
) -> TableOrder | None:
    """Return what the options ask for; None if they are not about tables.

    Raises:
        ConfigError: they do not fit together.
    """
    if (merge or missing_only) and not tables:
        raise ConfigError("--merge and --missing-only are for single tables", hint="Name them with --table.")
    if (merge or missing_only) and side is not None:
        raise ConfigError(
            "--target is where a side database goes; a merge goes into the live one",
            hint="Leave --target out, or point DATABASE_PATH at the database to merge into.",
        )
    return TableOrder(tables, merge, missing_only, side, dry_run) if tables else None


def restore_tables(
    selected: Selected, settings: Settings, order: TableOrder, consent: Consent, replica: Vault | None
) -> None:
    """Show what would come back, ask, and bring it back."""
    target = Target(settings.database_path, settings.config_root)
    if order.side is not None and order.side.absolute() == target.database.absolute():
        raise ConfigError(
            f"{order.side} is the live database", hint="Give --merge to bring the rows back into it, or another path."
        )
    with ExitStack() as scratch:
        with progress(quiet=consent.as_json) as watcher:
            source = scratch.enter_context(origin(selected, settings.scratch, watcher, replica))
            planned = _planned(source, settings, target, order)
        if not consent.as_json:
            show_tables(planned, merge=order.merges, missing_only=order.missing_only)
        elif order.dry_run:
            print_json(planned.to_dict())
        if order.dry_run:
            return
        if order.merges:
            _merge(source, planned, target, order, consent)
        else:
            _side_database(source, planned, target, order, consent)


def _planned(source: Origin, settings: Settings, target: Target, order: TableOrder) -> TablesPlan:
    options = SnapshotOptions(timeout_seconds=min(PATIENCE_SECONDS, settings.snapshot_timeout_seconds))
    planned = plan_tables(source, target, order.tables, now=utc_now(), scratch=settings.scratch, options=options)
    return planned if order.side is None else planned.model_copy(update={"side_database": str(order.side)})


def _merge(source: Origin, planned: TablesPlan, target: Target, order: TableOrder, consent: Consent) -> None:
    names = tuple(table.table for table in planned.tables)
    require_mergeable(source.database, target, names)
    count = planned.returning(missing_only=order.missing_only)
    if not consent.agreed(f"Write {count:,} rows into {target.database} (a copy of it is kept)?"):
        raise TargetExists(
            f"this would write {count:,} rows into {target.database}",
            hint="Give --yes to write them (a copy of the database is kept), or leave --merge out for a side database.",
        )
    report = merge(
        source.database,
        planned.backup_id,
        target,
        names,
        missing_only=order.missing_only,
        now=utc_now(),
    )
    if consent.as_json:
        print_json(report.to_dict())
    else:
        show_merged(report)


def _side_database(source: Origin, planned: TablesPlan, target: Target, order: TableOrder, consent: Consent) -> None:
    side = Path(planned.side_database)
    if side.exists() and not consent.agreed(f"Replace {side} (what is there is kept)?"):
        raise TargetExists(f"{side} exists already", hint="Give --yes to replace it (it is kept), or --target PATH.")
    report = make_side_database(source, target, order.tables, side=side, now=utc_now())
    if consent.as_json:
        print_json(report.to_dict())
    else:
        show_side_database(report)
