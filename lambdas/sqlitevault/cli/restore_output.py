"""How plans and restores look to people."""

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from sqlitevault.catalog.manifest import format_time
from sqlitevault.cli.output import stdout
from sqlitevault.ground.quantities import duration, size
from sqlitevault.restore import PromoteReport, RestorePlan, StageReport, UndoReport


def show_plan(planned: RestorePlan) -> None:
    """Print which backup was chosen, what it costs, and everything that would change."""
    out = stdout()
    lost = duration(planned.data_loss_seconds)
    out.print(f"[bold]{planned.backup_id}[/] ({planned.reason}) from {escape(planned.vault)}")
    out.print(f"taken {format_time(planned.created_at)}: what was written in the last {lost} is lost")
    show_doubts(planned.skipped, planned.repairs)
    if planned.tables:
        out.print(_tables(planned))
    if planned.live_problem:
        out.print(f"[yellow]the present database could not be counted:[/] {escape(planned.live_problem)}")
    for change in planned.files:
        out.print(f"  {change.action:<9} {escape(change.path)}")
        for line in change.diff[2:]:
            out.print(f"      {escape(line)}", style="dim")
    if planned.missing_variables:
        out.print(f"[yellow].env lacks:[/] {', '.join(planned.missing_variables)}")
    for user in planned.in_use_by:
        out.print(f"[bold red]in use:[/] {escape(user)}")
    room = f"{size(planned.free_bytes)} free, {size(planned.database_bytes)} to restore"
    out.print(room if planned.enough_room else f"[bold red]not enough room:[/] {room}")


def show_doubts(skipped: Iterable[str], repairs: Iterable[str]) -> None:
    """Print which backups were passed over, and which copies of the chosen one could not be used."""
    for passed_over in skipped:
        stdout().print(f"[yellow]passed over:[/] {escape(passed_over)}")
    for repair in repairs:
        stdout().print(f"[yellow]damaged:[/] {escape(repair)}")


def _tables(planned: RestorePlan) -> Table:
    table = Table(box=None, pad_edge=False, title=escape(planned.target), title_justify="left")
    table.add_column("table")
    for heading in ("rows now", "rows after", "change"):
        table.add_column(heading, justify="right")
    for row in planned.tables:
        now, after = row.rows_now, row.rows_after
        change = "same" if row.same_content else f"{(after or 0) - (now or 0):+,}"
        table.add_row(escape(row.name), _count(now), _count(after), change)
    return table


def _count(rows: int | None) -> str:
    return "-" if rows is None else f"{rows:,}"


def show_promoted(staged: StageReport, promoted: PromoteReport, fresh: str | None = None) -> None:
    """Print what is live now, what was proven, what is lost and kept, and what to do next.

    `fresh` is the backup that was taken of it already.
    """
    out = stdout()
    _show_proofs(staged)
    if promoted.database:
        _show_database(staged, promoted, promoted.database)
    if promoted.config is not None:
        for path in promoted.config.written:
            out.print(f"[bold green]restored[/] {escape(path)}")
        for path in promoted.config.kept:
            out.print(f"kept {escape(path)}")
    out.print(f"recovery took {staged.recovery_seconds:.2f} s")
    if fresh:
        out.print(f"[bold green]fresh backup[/] {fresh}, proven")
    out.print("[bold]Next:[/]")
    for number, step in enumerate(promoted.next_steps[:-1] if fresh else promoted.next_steps, 1):
        out.print(f"  {number}. {escape(step)}")


def _show_proofs(staged: StageReport) -> None:
    out = stdout()
    show_doubts((), staged.repairs)
    if staged.recovered_from:
        out.print(f"[yellow]taken from:[/] {escape(staged.recovered_from)}")
    for check in staged.checks:
        mark = "[green]✓[/]" if check.passed else "[bold red]✗[/]"
        out.print(f"{mark} {check.name}: {escape(check.detail)}")


def _show_database(staged: StageReport, promoted: PromoteReport, database: str) -> None:
    out = stdout()
    lost = duration(promoted.data_loss_seconds)
    word = "[bold red]SALVAGED, not proven:[/]" if promoted.salvaged else "[bold green]restored[/]"
    out.print(f"{word} {escape(database)}: {promoted.rows:,} rows as of {staged.backup_id}")
    out.print(f"lost: what was written after {format_time(promoted.created_at)}, the last {lost}")
    if promoted.kept:
        out.print(
            f"the previous database is kept as {escape(promoted.kept)} (`sqlitevault restore --undo` puts it back)"
        )


def show_undone(report: UndoReport) -> None:
    """Print what is live again."""
    stdout().print(f"[bold green]put back[/] {escape(report.restored)}")
    if report.kept:
        stdout().print(f"what it replaced is kept as {escape(report.kept)}")
