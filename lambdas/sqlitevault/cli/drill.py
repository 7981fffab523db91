"""`sqlitevault drill`."""

import click

from sqlitevault.catalog.catalog import LATEST, Choice
from sqlitevault.catalog.manifest import Scope
from sqlitevault.cli import options
from sqlitevault.cli.drill_output import show_drills
from sqlitevault.cli.exit_codes import DRILL, NO_ROOM, NOT_FOUND, UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.output import print_json, progress
from sqlitevault.ground.errors import DrillFailed
from sqlitevault.proof.drill import DrillRequest, record
from sqlitevault.proof.drill import drill as hold_drill
from sqlitevault.site import Site
from sqlitevault.vault.protocol import Vault
from sqlitevault.watch.overview import Overview


@click.command(epilog=epilog(NOT_FOUND, UNAVAILABLE, DRILL, NO_ROOM))
@click.argument("backup", default=LATEST)
@options.from_vault
@options.as_json
@reporting_errors
def drill(*, backup: str, location: str | None, as_json: bool) -> None:
    """Hold the recovery test: restore a backup to scratch, prove it, time it, and record it in the vault.

    The page of `sqlitevault report` is made anew there, as reports/report.html.

    BACKUP is an id, a path or an s3:// URI; without one the newest good backup is drilled.
    """
    settings = options.settings(vault=location)
    site = Site.of(settings)
    choice = Choice(scope=Scope.DATABASE, database=settings.database_path.stem)
    chosen = options.selected(backup, settings.vault, choice)
    with progress(quiet=as_json) as watcher:
        report = hold_drill(DrillRequest.of(chosen, site.now(), settings), watcher)
        if chosen.manifest is not None:
            record(report, chosen.vault, settings.replica)
            _publish(site, chosen.vault)
    if as_json:
        print_json(report.to_dict())
    else:
        show_drills([report])
    if not report.passed or report.recovery_seconds > report.rto_seconds:
        raise DrillFailed(
            f"{report.backup_id} " + ("; ".join(report.failures) or "took longer to recover than the RTO allows"),
            hint="Restore takes the backup before it; take a fresh backup, and see docs/runbooks/drill-failed.md.",
        )
    report.require_answers()


def _publish(site: Site, drilled: Vault) -> None:
    """Leave the page where the drill's report is, unless that is a vault that these settings do not describe."""
    if drilled.location == site.vault.location:
        Overview(site).publish()
