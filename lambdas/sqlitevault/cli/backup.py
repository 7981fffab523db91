"""`sqlitevault backup`."""

from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from sqlitevault.backup.backup import BackupReport
from sqlitevault.backup.prune import PruneReport, prune
from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import BUSY, DRILL, INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.heartbeat import ping
from sqlitevault.cli.output import print_json, progress, stderr, stdout
from sqlitevault.cli.proven_backup import Taken, request_for, take
from sqlitevault.ground.facts import Tier
from sqlitevault.ground.quantities import size
from sqlitevault.ground.settings import Settings
from sqlitevault.site import utc_now
from sqlitevault.vault.directory import DirectoryVault
from sqlitevault.vault.opening import open_vault

_SENT = "sent"


@click.command(epilog=epilog(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, DRILL, NO_ROOM))
@options.scope_options
@click.option("--to", "location", metavar="URI", help="s3://bucket/prefix/ or a directory, if not BACKUP_DIR.")
@click.option("--tier", type=click.Choice([tier.value for tier in Tier]), default="manual", show_default=True)
@click.option("--no-drill", is_flag=True, help="Do not restore the backup to scratch to prove it.")
@click.option("--allow-corrupt", is_flag=True, help="Keep a damaged database, marked as such, for salvage.")
@click.option("--quiet", "-q", is_flag=True, help="Print notes and errors alone, as for a mail of cron's.")
@options.as_json
@reporting_errors
def backup(
    *,
    db_only: bool,
    config_only: bool,
    location: str | None,
    tier: str,
    no_drill: bool,
    allow_corrupt: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Back up the database and its configuration, and prove that the backup restores.

    Then removes from a directory what BACKUP_RETAIN lets go, never the last good backup, of each tier; a bucket has its
    lifecycle rules for that.

    HEARTBEAT_URL, if set, is fetched after each proven backup of the database and never otherwise: a monitoring
    service that expects it raises the alarm when it hears nothing. If it cannot be reached, that is a note, no error.
    """
    settings = options.settings(vault=location)
    vault = open_vault(settings.vault)
    scope = options.scope(db_only=db_only, config_only=config_only)
    request = request_for(settings, scope=scope, tier=Tier(tier), allow_corrupt=allow_corrupt)
    with progress(quiet=as_json or quiet) as watcher:
        taken = take(request, vault, settings, watcher, prove=not no_drill)
        pruned = (
            prune(vault, retain_days=settings.retain_days, now=utc_now()) if isinstance(vault, DirectoryVault) else None
        )
    if as_json:
        print_json(_as_json(taken.report, taken.drilled, pruned) | {"heartbeat": _announce(taken, settings)})
    else:
        if not quiet:
            _show(taken.report, taken.drilled, pruned)
        _show_notes(taken.report, settings)
        _show_heartbeat(_announce(taken, settings))
    taken.require_no_failure()


def _announce(taken: Taken, settings: Settings) -> str | None:
    """Send the heartbeat if there is reason to; return `sent`, what went wrong, or None if none was due.

    One for the configuration alone would hide that the database is not backed up.
    """
    if settings.heartbeat_url is None or not taken.proven or taken.report.manifest.database is None:
        return None
    return ping(settings.heartbeat_url) or _SENT


def _show_heartbeat(heartbeat: str | None) -> None:
    if heartbeat not in (None, _SENT):
        stderr().print(f"[yellow]note:[/] the heartbeat was not sent: {escape(str(heartbeat))}")


def _as_json(report: BackupReport, drilled: DrillReport | None, pruned: PruneReport | None) -> dict[str, object]:
    return report.to_dict() | {
        "drill": drilled.to_dict() if drilled else None,
        "pruned": pruned.to_dict() if pruned else None,
    }


def _show(report: BackupReport, drilled: DrillReport | None, pruned: PruneReport | None) -> None:
    manifest = report.manifest
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("backup", f"[bold]{report.backup_id}[/]")
    table.add_row("in", _place(report))
    if manifest.database is not None and manifest.snapshot is not None:
        table.add_row(
            "database", f"{size(manifest.database.bytes)}, {len(manifest.tables)} tables, {manifest.rows:,} rows"
        )
        stall = manifest.snapshot.writer_stall_seconds
        table.add_row("snapshot", f"{manifest.snapshot.method}, writers held up {stall:.3f} s at most")
    table.add_row("archive", size(manifest.archive.bytes if manifest.archive else None))
    if drilled is not None:
        table.add_row(
            "proven", f"restored and compared in {drilled.recovery_seconds:.2f} s" if drilled.passed else "[red]NO[/]"
        )
    if pruned is not None and pruned.removed:
        table.add_row("removed", f"{len(pruned.removed)} old backups")
    stdout().print(table)


def _show_notes(report: BackupReport, settings: Settings) -> None:
    lost = report.changes.loss_beyond(settings.mass_deletion_percent) if report.changes else None
    accident = [f"{lost}; an accident? docs/runbooks/accidental-deletion.md"] if lost else []
    for warning in (*report.warnings, *report.omitted, *accident):
        stderr().print(f"[yellow]note:[/] {escape(warning)}")


def _place(report: BackupReport) -> str:
    if report.location.startswith("s3://"):
        return report.location + report.archive
    return str(Path(report.location) / report.archive)
