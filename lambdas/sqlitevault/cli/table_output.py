"""How restores of single tables look to people."""

from rich.markup import escape
from rich.table import Table

from sqlitevault.catalog.manifest import format_time
from sqlitevault.cli.output import stdout
from sqlitevault.cli.restore_output import show_doubts
from sqlitevault.ground.quantities import duration
from sqlitevault.restore import MergeReport, SideReport, TablesPlan


def show_tables(planned: TablesPlan, *, merge: bool, missing_only: bool) -> None:
    """Print which rows would come back, change or stay."""
    out = stdout()
    out.print(f"[bold]{planned.backup_id}[/] ({planned.reason}) from {escape(planned.vault)}")
    out.print(f"taken {format_time(planned.created_at)}, {duration(planned.data_loss_seconds)} ago")
    show_doubts(planned.skipped, planned.repairs)
    out.print(_rows(planned, merge=merge, missing_only=missing_only))
    for table in planned.tables:
        if table.problem:
            out.print(f"[yellow]{escape(table.table)} could not be compared:[/] {escape(table.problem)}")
    place = planned.target if merge else planned.side_database
    out.print(f"{'merged into' if merge else 'side database'}: {escape(place)}")


def _rows(planned: TablesPlan, *, merge: bool, missing_only: bool) -> Table:
    changed = (
        "would be set back" if merge and not missing_only else "changed since (stay)" if merge else "changed since"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("table")
    come_back = "would come back" if merge else "deleted since"
    for heading in ("in the backup", come_back, changed, "newer (stay)" if merge else "newer", "the same"):
        table.add_column(heading, justify="right")
    for row in planned.tables:
        counts = (row.rows_in_backup, row.deleted_rows, row.different_rows, row.newer_rows, row.same_rows)
        table.add_row(escape(row.table), *("-" if count is None else f"{count:,}" for count in counts))
    return table


def show_side_database(report: SideReport) -> None:
    """Print where the tables lie, what was proven of them, and what to do next."""
    out = stdout()
    for check in report.checks:
        out.print(f"[green]✓[/] {check.name}: {escape(check.detail)}")
    rows = ", ".join(f"{escape(table)} {count:,}" for table, count in report.tables.items())
    out.print(f"[bold green]restored[/] {escape(report.side_database)}: {rows} rows as of {report.backup_id}")
    if report.kept:
        out.print(f"what was there is kept as {escape(report.kept)}")
    _show_next(report.next_steps)


def show_merged(report: MergeReport) -> None:
    """Print what was written, what was kept, and what to do next."""
    out = stdout()
    for table, count in report.rows_written.items():
        out.print(f"[bold green]restored[/] {escape(table)}: {count:,} rows written as of {report.backup_id}")
    out.print(f"the database from before is kept as {escape(report.kept)} (`sqlitevault restore --undo` puts it back)")
    _show_next(report.next_steps)


def _show_next(steps: tuple[str, ...]) -> None:
    stdout().print("[bold]Next:[/]")
    for number, step in enumerate(steps, 1):
        stdout().print(f"  {number}. {escape(step)}")
