"""`sqlitevault verify`."""

import click

from sqlitevault.catalog.catalog import Catalog, Choice
from sqlitevault.catalog.selection import Selected, select
from sqlitevault.cli import options
from sqlitevault.cli.drill_output import show_drills
from sqlitevault.cli.exit_codes import INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.output import print_json, progress
from sqlitevault.ground.errors import ConfigError, IntegrityCheckFailed
from sqlitevault.ground.settings import Settings
from sqlitevault.proof.drill import DrillRequest, drill
from sqlitevault.site import utc_now
from sqlitevault.vault.opening import open_vault


@click.command(epilog=epilog(NOT_FOUND, INTEGRITY, UNAVAILABLE, NO_ROOM))
@click.argument("backups", nargs=-1, metavar="[BACKUP]...")
@click.option("--all", "everything", is_flag=True, help="Every backup in the vault.")
@options.from_vault
@options.as_json
@reporting_errors
def verify(*, backups: tuple[str, ...], everything: bool, location: str | None, as_json: bool) -> None:
    """Check backups without writing anything: checksums, integrity, row counts, content digests.

    BACKUP is an id, `latest`, a path or an s3:// URI.
    """
    if bool(backups) == everything:
        raise ConfigError("nothing, or too much, to verify", hint="Name backups, or give --all.")
    settings = options.settings_to_restore(vault=location)
    chosen = _all(settings) if everything else [options.selected(words, settings.vault, Choice()) for words in backups]
    with progress(quiet=as_json) as watcher:
        reports = [
            drill(
                DrillRequest(each, utc_now(), settings.rto_seconds, with_dump=False, scratch=settings.scratch), watcher
            )
            for each in chosen
        ]
    if as_json:
        print_json([report.to_dict() for report in reports])
    else:
        show_drills(reports)
    failed = [report.backup_id for report in reports if not report.passed]
    if failed:
        raise IntegrityCheckFailed(
            f"{len(failed)} of {len(reports)} backups are damaged: {', '.join(failed)}",
            hint="Restore from another one; take a fresh backup; look for the copy in the replica vault.",
        )


def _all(settings: Settings) -> list[Selected]:
    vault = open_vault(settings.vault)
    return [select(vault, Choice(backup_id=backup.id)) for backup in Catalog(vault).contents().backups]
