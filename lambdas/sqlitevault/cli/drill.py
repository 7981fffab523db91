"""`sqlitevault drill`, and the report of checks that it shares with `verify`."""

from collections.abc import Iterable, Iterator

import click
from rich.console import RenderableType
from rich.markup import escape

from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.catalog.selection import LATEST
from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import DRILL, NO_ROOM, NOT_FOUND, UNAVAILABLE
from sqlitevault.cli.output import Output, mark, table
from sqlitevault.ground.errors import DrillFailed
from sqlitevault.ground.quantities import duration
from sqlitevault.proof.drill import drill as hold_drill
from sqlitevault.proof.drill import record
from sqlitevault.watch.page import publish_page


@options.command(NOT_FOUND, UNAVAILABLE, DRILL, NO_ROOM)
@click.argument("backup", default=LATEST)
@options.from_vault
def drill(out: Output, *, backup: str, location: str | None) -> None:
    """Restore a backup to scratch, compare it, and record the time.

    This is the recovery test. Its report is written to the vault, and the page of `sqlitevault report` is updated there
    as reports/report.html.

    BACKUP is an id, a path or an s3:// URI; without one, the newest good backup is drilled.
    """
    site = options.site(vault=location)
    chosen = options.database_backup(backup, site)
    with out.progress() as watcher:
        report = hold_drill(site, chosen, watcher)
        if chosen.manifest is not None:
            record(report, chosen.vault, site.settings.replica)
            if chosen.vault.location == site.vault.location:
                publish_page(site)
    out.give(report.to_dict(), checks_shown([report]))
    if not report.passed or report.recovery_seconds > report.rto_seconds:
        raise DrillFailed(
            f"{report.backup_id} " + ("; ".join(report.failures) or "took longer to recover than the RTO allows"),
            hint="Restore takes the backup before it. Take a fresh backup, and see docs/runbooks/drill-failed.md.",
        )
    report.require_answers()


def checks_shown(reports: Iterable[DrillReport]) -> Iterator[RenderableType]:
    """Yield the checks of each report, and the recovery time against the RTO."""
    for report in reports:
        checks = table(title=report.backup_id)
        for check in report.checks:
            checks.add_row(mark(check.passed), escape(check.name), escape(check.detail))
        yield checks
        yield _verdict(report)


def _verdict(report: DrillReport) -> str:
    if not report.passed:
        return f"[bold red]NOT PROVEN[/]: {len(report.failures)} of {len(report.checks)} checks failed"
    within = report.recovery_seconds <= report.rto_seconds
    verdict = "[green]within[/]" if within else "[bold red]beyond[/]"
    return f"recovered in {report.recovery_seconds:.2f} s, {verdict} the RTO of {duration(report.rto_seconds)}"
