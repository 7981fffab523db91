"""`sqlitevault restore --table`: single tables, into a side database or merged into the live one."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from sqlitevault.catalog.selection import Selected
from sqlitevault.cli.output import Output, count, doubts, next_steps, proofs, table
from sqlitevault.cli.restore_options import Tables, Way
from sqlitevault.ground.errors import ConfigError, TargetExists
from sqlitevault.ground.quantities import counted, duration, format_time
from sqlitevault.restore.retrieval import Retrieved, retrieved_database
from sqlitevault.restore.tables import (
    MergeReport,
    SideReport,
    TablesPlan,
    make_side_database,
    merge,
    plan_tables,
    require_mergeable,
)
from sqlitevault.restore.target import Target
from sqlitevault.site import Site


def restore_tables(selected: Selected, site: Site, tables: Tables, way: Way, out: Output) -> None:
    """Show which rows would come back, ask, and restore them. `way.target` is the place of the side database."""
    live = Target.of(site).database
    if way.target is not None and way.target.absolute() == live.absolute():
        raise ConfigError(
            f"{way.target} is the live database", hint="Give --merge to bring the rows back into it, or another path."
        )
    with ExitStack() as scratch:
        with out.progress() as watcher:
            source = scratch.enter_context(retrieved_database(site, selected, watcher))
            planned = plan_tables(site, source, tables.names, way.target)
        out.show(_planned(planned, tables))
        if way.dry_run:
            out.give(planned.to_dict(), ())
        elif tables.merges:
            _merge(site, source, planned, tables, way=way, out=out)
        else:
            _make_side_database(site, source, planned, way, out)


def _merge(site: Site, source: Retrieved, planned: TablesPlan, tables: Tables, *, way: Way, out: Output) -> None:
    names = [each.table for each in planned.tables]
    require_mergeable(site, source.require_database(), names)
    rows = planned.returning(missing_only=tables.missing_only)
    if not way.agreed(f"Write {counted(rows, 'row')} into {planned.target} (a copy of it is kept)?", out):
        raise TargetExists(
            f"this would write {counted(rows, 'row')} into {planned.target}",
            hint="Give --yes to write them (a copy of the database is kept), or leave --merge out for a side database.",
        )
    report = merge(site, source.require_database(), planned.backup_id, names, missing_only=tables.missing_only)
    out.give(report.to_dict(), _merged(report))


def _make_side_database(site: Site, source: Retrieved, planned: TablesPlan, way: Way, out: Output) -> None:
    side = Path(planned.side_database)
    if side.exists() and not way.agreed(f"Replace {side} (the present one is kept)?", out):
        raise TargetExists(
            f"{side} already exists", hint="Give --yes to replace it (the present one is kept), or --target PATH."
        )
    report = make_side_database(site, source, [each.table for each in planned.tables], side)
    out.give(report.to_dict(), _restored(report))


def _planned(planned: TablesPlan, tables: Tables) -> Iterator[RenderableType]:
    """Yield which rows would come back, change or stay."""
    yield f"[bold]{planned.backup_id}[/] ({planned.reason}) from {escape(planned.vault)}"
    yield f"taken {format_time(planned.created_at)}, {duration(planned.data_loss_seconds)} ago"
    yield from doubts(planned.skipped, planned.repairs)
    yield _rows(planned, tables)
    for each in planned.tables:
        if each.problem:
            yield f"[yellow]{escape(each.table)} could not be compared:[/] {escape(each.problem)}"
    place = planned.target if tables.merges else planned.side_database
    yield f"{'merged into' if tables.merges else 'side database'}: {escape(place)}"


def _rows(planned: TablesPlan, tables: Tables) -> Table:
    if tables.merges:
        changed = "changed since (stay)" if tables.missing_only else "would be set back"
        figures = ("in the backup", "would come back", changed, "newer (stay)", "the same")
    else:
        figures = ("in the backup", "deleted since", "changed since", "newer", "the same")
    shown = table("table", figures=figures)
    for row in planned.tables:
        counts = (row.rows_in_backup, row.deleted_rows, row.different_rows, row.newer_rows, row.same_rows)
        shown.add_row(escape(row.table), *map(count, counts))
    return shown


def _restored(report: SideReport) -> Iterator[str]:
    """Yield where the tables are, what was proven of them, and what to do next."""
    yield from proofs(report.checks)
    rows = ", ".join(f"{escape(name)} {number:,}" for name, number in report.tables.items())
    yield f"[bold green]restored[/] {escape(report.side_database)}: {rows} rows as of {report.backup_id}"
    if report.kept:
        yield f"the side database from before is kept as {escape(report.kept)}"
    yield from next_steps(report.next_steps)


def _merged(report: MergeReport) -> Iterator[str]:
    """Yield what was written, what was kept, and what to do next."""
    for name, rows in report.rows_written.items():
        yield f"[bold green]restored[/] {escape(name)}: {counted(rows, 'row')} written as of {report.backup_id}"
    yield f"the database from before is kept as {escape(report.kept)} (`sqlitevault restore --undo` puts it back)"
    yield from next_steps(report.next_steps)
