"""`sqlitevault restore`."""

from pathlib import Path

import click

from sqlitevault.catalog.catalog import LATEST, Choice
from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.selection import Selected
from sqlitevault.cli import options
from sqlitevault.cli.consent import Consent
from sqlitevault.cli.exit_codes import BUSY, DRILL, INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.output import print_json, progress
from sqlitevault.cli.proven_backup import Taken, request_for, take
from sqlitevault.cli.restore_output import show_plan, show_promoted, show_undone
from sqlitevault.cli.restore_table import restore_tables, table_order
from sqlitevault.ground.errors import ConfigError, TargetExists
from sqlitevault.ground.settings import Settings
from sqlitevault.restore import (
    PATIENCE_SECONDS,
    PromoteReport,
    RestorePlan,
    StageReport,
    Target,
    in_use,
    newest_kept,
    plan,
    promote,
    stage,
)
from sqlitevault.restore import undo as put_back
from sqlitevault.site import utc_now
from sqlitevault.vault.opening import open_vault


@click.command(epilog=epilog(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, DRILL, NO_ROOM))
@click.argument("backup", required=False)
@click.option("--from-s3", metavar="URI", help="s3:// URI of an archive; …/latest.tar.gz is the newest one there.")
@click.option("--from", "location", metavar="URI", help="The vault, if not BACKUP_DIR.")
@click.option("--latest", is_flag=True, help="The newest good backup.")
@click.option("--at", metavar="TIME", help="The newest good backup not after TIME (UTC unless it says otherwise).")
@click.option("--before-incident", metavar="TIME", help="The newest good backup that is earlier than TIME.")
@options.scope_options
@click.option("--table", "tables", metavar="NAME", multiple=True, help="This table alone, into a side database.")
@click.option("--merge", is_flag=True, help="With --table: into the live database, by primary key; newer rows stay.")
@click.option("--missing-only", is_flag=True, help="As --merge, but bring back deleted rows alone; change no other.")
@click.option("--target", type=click.Path(path_type=Path), help="Restore the database to this path instead.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before overwriting.")
@click.option("--force", is_flag=True, help="Do not ask, and go on although somebody has the database open.")
@click.option("--backup-after", is_flag=True, help="Take a fresh backup afterwards, into BACKUP_DIR, and prove it.")
@click.option("--salvage", is_flag=True, help="If no copy of it can be proven, restore what can be read, unproven.")
@click.option("--undo", is_flag=True, help="Put back the database that the last restore replaced.")
@options.as_json
@reporting_errors
def restore(
    *,
    backup: str | None,
    from_s3: str | None,
    location: str | None,
    latest: bool,
    at: str | None,
    before_incident: str | None,
    db_only: bool,
    config_only: bool,
    tables: tuple[str, ...],
    merge: bool,
    missing_only: bool,
    target: Path | None,
    dry_run: bool,
    yes: bool,
    force: bool,
    backup_after: bool,
    salvage: bool,
    undo: bool,
    as_json: bool,
) -> None:
    """Restore a backup: show what will change, prove it beside the target, then swap it in.

    BACKUP is an id, a path or an s3:// URI. What is replaced is kept as <name>.pre_restore_<time>.
    """
    order = table_order(tables, merge, missing_only, target, dry_run)
    if order and (config_only or undo):
        raise ConfigError("--table excludes --config-only and --undo", hint="Give one of them.")
    read = options.settings if backup_after else options.settings_to_restore
    settings = read(vault=location, database_path=None if order else target)
    consent = Consent(yes=yes or force, force=force, as_json=as_json)
    if undo:
        _undo(settings, consent)
        return
    scope = options.scope(db_only=db_only, config_only=config_only)
    if order or (target and not config_only):
        scope = Scope.DATABASE
    words = _words(backup, from_s3, latest=latest, times=(at, before_incident))
    choice = Choice(
        at=options.moment(at),
        before=options.moment(before_incident),
        scope=scope,
        database=settings.database_path.stem,
    )
    selected = options.selected(words, settings.vault, choice)
    if order is not None:
        restore_tables(selected, settings, order, consent, options.replica(settings))
    elif dry_run:
        _show(_planned(selected, settings, scope, as_json=as_json), as_json=as_json)
    else:
        staged, promoted = _restore(selected, settings, scope, consent, salvage=salvage)
        taken = _backup_after(settings, scope, consent) if backup_after else None
        _show_promoted(staged, promoted, taken, as_json=as_json)
        if taken is not None:
            taken.require_no_failure()


def _words(backup: str | None, from_s3: str | None, *, latest: bool, times: tuple[str | None, ...]) -> str:
    given = [words for words in (backup, from_s3) if words is not None]
    limits = sum(moment is not None for moment in times)
    if len(given) + (latest or limits > 0) != 1 or limits > 1:
        raise ConfigError(
            "say which backup: one of BACKUP, --from-s3 URI, --latest, --at TIME, --before-incident TIME",
            hint="`sqlitevault list` shows the backups; `--latest --dry-run` shows what would happen.",
        )
    return given[0] if given else LATEST


def _target(settings: Settings) -> Target:
    return Target(settings.database_path, settings.config_root)


def _planned(selected: Selected, settings: Settings, scope: Scope, *, as_json: bool) -> RestorePlan:
    with progress(quiet=as_json) as watcher:
        return plan(
            selected,
            _target(settings),
            scope=scope,
            now=utc_now(),
            scratch=settings.scratch,
            watcher=watcher,
            patience_seconds=min(PATIENCE_SECONDS, settings.snapshot_timeout_seconds),
            replica=options.replica(settings),
        )


def _show(planned: RestorePlan, *, as_json: bool) -> None:
    if as_json:
        print_json(planned.to_dict())
    else:
        show_plan(planned)


def _restore(
    selected: Selected, settings: Settings, scope: Scope, consent: Consent, *, salvage: bool
) -> tuple[StageReport, PromoteReport]:
    planned = _planned(selected, settings, scope, as_json=consent.as_json)
    if not consent.as_json:
        show_plan(planned)
    _require_unused(planned, consent)
    _require_consent(planned, consent)
    target = _target(settings)
    with progress(quiet=consent.as_json) as watcher:
        staged = stage(
            selected,
            target,
            scope=scope,
            now=utc_now(),
            scratch=settings.scratch,
            watcher=watcher,
            replica=options.replica(settings),
            salvage=salvage,
        )
    return staged, promote(target, staged.backup_id, now=utc_now(), force=consent.force)


def _backup_after(settings: Settings, scope: Scope, consent: Consent) -> Taken:
    """Back up what was restored, into the vault of everyday use, wherever the restore took it from."""
    everyday = options.settings(database_path=settings.database_path)
    with progress(quiet=consent.as_json) as watcher:
        return take(request_for(everyday, scope=scope), open_vault(everyday.vault), everyday, watcher)


def _show_promoted(staged: StageReport, promoted: PromoteReport, taken: Taken | None, *, as_json: bool) -> None:
    if as_json:
        fresh = taken.report.to_dict() if taken else None
        print_json({"staged": staged.to_dict(), "promoted": promoted.to_dict(), "backup_after": fresh})
    else:
        show_promoted(staged, promoted, taken.report.backup_id if taken else None)


def _require_unused(planned: RestorePlan, consent: Consent) -> None:
    """See before anything is staged what promote would refuse, so that a refusal leaves nothing behind."""
    if planned.in_use_by and not consent.force:
        raise in_use(planned.target, planned.in_use_by)


def _require_consent(planned: RestorePlan, consent: Consent) -> None:
    replaced = [change.path for change in planned.files if change.action == "replace"]
    if planned.target_exists and planned.scope is not Scope.CONFIG:
        replaced.insert(0, planned.target)
    if replaced and not consent.agreed("Replace them (what is there is kept)?"):
        raise TargetExists(
            f"this would replace {', '.join(replaced)}",
            hint="Give --yes to replace them (what is there is kept), or --target PATH to restore elsewhere.",
        )


def _undo(settings: Settings, consent: Consent) -> None:
    previous = newest_kept(settings.database_path)
    if not consent.agreed(f"Put back {previous} (what is there is kept)?"):
        raise TargetExists(f"this would replace {settings.database_path}", hint=f"Give --yes to put back {previous}.")
    report = put_back(_target(settings), now=utc_now(), force=consent.force)
    if consent.as_json:
        print_json(report.to_dict())
    else:
        show_undone(report)
