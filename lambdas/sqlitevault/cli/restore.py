"""`sqlitevault restore`."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from sqlitevault.backup.backup import Order
from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.selection import Selected
from sqlitevault.cli import options
from sqlitevault.cli.backup import take
from sqlitevault.cli.exit_codes import BUSY, DRILL, INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE
from sqlitevault.cli.output import Output, count, doubts, next_steps, proofs, table
from sqlitevault.cli.restore_options import Tables, Way, Which, choose_tables, choose_way, choose_which
from sqlitevault.cli.restore_table import restore_tables
from sqlitevault.ground.errors import TargetExists
from sqlitevault.ground.quantities import counted, duration, format_time, size
from sqlitevault.restore.plan import RestorePlan, plan
from sqlitevault.restore.promote import PromoteReport, newest_kept, promote
from sqlitevault.restore.promote import undo as put_back
from sqlitevault.restore.stage import StageReport, stage
from sqlitevault.restore.target import in_use
from sqlitevault.site import Site


@options.command(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, DRILL, NO_ROOM)
@choose_which
@options.scope
@choose_tables
@choose_way
def restore(out: Output, *, which: Which, scope: Scope, tables: Tables, way: Way) -> None:
    """Restore a backup, and keep what it replaces.

    Shows what will change, proves the backup beside the target, then swaps it in. BACKUP is an id, a path or an s3://
    URI. What is replaced is kept as <name>.pre_restore_<time>.
    """
    tables.require_fit(way.target, scope, undo=way.undo)
    way.require_fit(which)
    read = options.site if way.backup_after else options.site_to_restore
    site = read(vault=which.location, database_path=None if tables.names else way.target)
    if tables.names or (way.target and scope is not Scope.CONFIG):
        scope = Scope.DATABASE
    if way.undo:
        _undo(site, way, out)
    elif tables.names:
        restore_tables(which.select(site, scope), site, tables, way, out)
    else:
        _restore(which.select(site, scope), site, scope, way, out)


def _restore(selected: Selected, site: Site, scope: Scope, way: Way, out: Output) -> None:
    with out.progress() as watcher:
        planned = plan(site, selected, scope=scope, watcher=watcher)
    if way.dry_run:
        out.give(planned.to_dict(), _planned(planned))
        return
    out.show(_planned(planned))
    # What promote would refuse is refused before anything is staged, so that nothing is left behind.
    if planned.in_use_by and not way.force:
        raise in_use(planned.target, planned.in_use_by)
    _require_consent(planned, way, out)
    with out.progress() as watcher:
        staged = stage(site, selected, scope=scope, salvage=way.salvage, watcher=watcher)
    promoted = promote(site, staged.backup_id, force=way.force)
    taken = None
    if way.backup_after:
        usual = options.site(database_path=site.settings.database_path)  # BACKUP_DIR, not the vault of --from
        with out.progress() as watcher:
            taken = take(usual, Order(scope=scope), watcher)
    fresh = taken.report.to_dict() if taken else None
    document = {"staged": staged.to_dict(), "promoted": promoted.to_dict(), "backup_after": fresh}
    out.give(document, _promoted(staged, promoted, taken.report.backup_id if taken else None))
    if taken is not None:
        taken.require_no_failure()


def _require_consent(planned: RestorePlan, way: Way, out: Output) -> None:
    replaced = [change.path for change in planned.files if change.action == "replace"]
    if planned.target_exists and planned.scope is not Scope.CONFIG:
        replaced.insert(0, planned.target)
    if replaced and not way.agreed("Replace them (the present ones are kept)?", out):
        raise TargetExists(
            f"this would replace {', '.join(replaced)}",
            hint="Give --yes to replace them (the present ones are kept), or --target PATH to restore elsewhere.",
        )


def _undo(site: Site, way: Way, out: Output) -> None:
    database = site.settings.database_path
    previous = newest_kept(database)
    if not way.agreed(f"Put back {previous} (the present one is kept)?", out):
        raise TargetExists(f"this would replace {database}", hint=f"Give --yes to put back {previous}.")
    report = put_back(site, force=way.force)
    kept = [f"the database it replaced is kept as {escape(report.kept)}"] if report.kept else []
    out.give(report.to_dict(), [f"[bold green]put back[/] {escape(report.restored)}", *kept])


def _planned(planned: RestorePlan) -> Iterator[RenderableType]:
    lost = duration(planned.data_loss_seconds)
    yield f"[bold]{planned.backup_id}[/] ({planned.reason}) from {escape(planned.vault)}"
    yield f"taken {format_time(planned.created_at)}: data written in the last {lost} will be lost"
    yield from doubts(planned.skipped, planned.repairs)
    if planned.tables:
        yield _rows(planned)
    if planned.live_problem:
        yield f"[yellow]the present database could not be counted:[/] {escape(planned.live_problem)}"
    for change in planned.files:
        yield f"  {change.action:<9} {escape(change.path)}"
        for line in change.diff[2:]:
            yield f"[dim]      {escape(line)}[/]"
    if planned.missing_variables:
        yield f"[yellow].env lacks:[/] {', '.join(planned.missing_variables)}"
    for user in planned.in_use_by:
        yield f"[bold red]in use:[/] {escape(user)}"
    room = f"{size(planned.free_bytes)} free, {size(planned.database_bytes)} to restore"
    yield room if planned.enough_room else f"[bold red]not enough room:[/] {room}"


def _rows(planned: RestorePlan) -> Table:
    shown = table("table", figures=("rows now", "rows after", "change"), title=planned.target)
    for row in planned.tables:
        change = "same" if row.same_content else f"{(row.rows_after or 0) - (row.rows_now or 0):+,}"
        shown.add_row(escape(row.name), count(row.rows_now), count(row.rows_after), change)
    return shown


def _promoted(staged: StageReport, promoted: PromoteReport, fresh: str | None) -> Iterator[str]:
    """Yield the proofs, what is live now, what is lost and kept, and what to do next.

    `fresh` is the id of the backup that was taken after the restore.
    """
    yield from doubts((), staged.repairs)
    if staged.recovered_from:
        yield f"[yellow]taken from:[/] {escape(staged.recovered_from)}"
    yield from proofs(staged.checks)
    if promoted.database:
        word = "[bold red]SALVAGED, not proven:[/]" if promoted.salvaged else "[bold green]restored[/]"
        lost = duration(promoted.data_loss_seconds)
        yield f"{word} {escape(promoted.database)}: {counted(promoted.rows, 'row')} as of {staged.backup_id}"
        yield f"lost: data written after {format_time(promoted.created_at)}, the last {lost}"
        if promoted.kept:
            kept = escape(promoted.kept)
            yield f"the previous database is kept as {kept} (`sqlitevault restore --undo` puts it back)"
    if promoted.config is not None:
        for path in promoted.config.written:
            yield f"[bold green]restored[/] {escape(path)}"
        for path in promoted.config.kept:
            yield f"kept {escape(path)}"
    yield f"recovery took {staged.recovery_seconds:.2f} s"
    if fresh:
        yield f"[bold green]fresh backup[/] {fresh}, proven"
    yield from next_steps(promoted.next_steps[:-1] if fresh else promoted.next_steps)
