"""`sqlitevault verify`."""

import click

from sqlitevault.catalog.catalog import Catalog
from sqlitevault.catalog.selection import Choice
from sqlitevault.cli import options
from sqlitevault.cli.drill import checks_shown
from sqlitevault.cli.exit_codes import INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE
from sqlitevault.cli.output import Output
from sqlitevault.ground.errors import ConfigError, IntegrityCheckFailed
from sqlitevault.proof.drill import drill


@options.command(NOT_FOUND, INTEGRITY, UNAVAILABLE, NO_ROOM)
@click.argument("backups", nargs=-1, metavar="[BACKUP]...")
@click.option("--all", "everything", is_flag=True, help="Every backup in the vault.")
@options.from_vault
def verify(out: Output, *, backups: tuple[str, ...], everything: bool, location: str | None) -> None:
    """Check backups without writing anything.

    Compares checksums, integrity, row counts and content digests. BACKUP is an id, `latest`, a path or an s3:// URI.
    """
    if bool(backups) == everything:
        raise ConfigError("name backups or use --all, not both", hint="`sqlitevault list` shows the backups.")
    site = options.site_to_restore(vault=location)
    names = [backup.id for backup in Catalog(site.vault).contents().backups] if everything else backups
    chosen = [options.selected(words, site, Choice()) for words in names]
    with out.progress() as watcher:
        reports = [drill(site, each, watcher, thorough=False) for each in chosen]
    out.give([report.to_dict() for report in reports], checks_shown(reports))
    failed = [report.backup_id for report in reports if not report.passed]
    if failed:
        raise IntegrityCheckFailed(
            f"{len(failed)} of {len(reports)} backups are damaged: {', '.join(failed)}",
            hint="Restore from another backup, take a fresh one, and look for a good copy in the replica.",
        )
