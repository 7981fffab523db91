"""`sqlitevault backup`, and the proven backup that `restore` and `keys` take."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Thread

import click
from rich.table import Table

from sqlitevault.backup.backup import BackupReport, Order, back_up
from sqlitevault.backup.prune import PruneReport, prune
from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.selection import Choice, select
from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import BUSY, DRILL, INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE
from sqlitevault.cli.output import Output, table
from sqlitevault.ground.errors import BackupExists, DrillFailed
from sqlitevault.ground.facts import Tier
from sqlitevault.ground.quantities import counted, size
from sqlitevault.ground.steps import Watcher
from sqlitevault.proof.drill import drill, record
from sqlitevault.site import Site

_SENT = "sent"
_PING_SECONDS = 10.0
_TOO_LATE = "it did not answer within 10 s"


def _order(scope: Scope, tier: str, allow_corrupt: bool) -> Order:
    return Order(scope=scope, tier=Tier(tier), allow_corrupt=allow_corrupt)


@options.command(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, DRILL, NO_ROOM)
@options.bundle(
    "order",
    _order,
    options.scope,
    click.option("--tier", type=click.Choice([tier.value for tier in Tier]), default="manual", show_default=True),
    click.option("--allow-corrupt", is_flag=True, help="Keep a damaged database for salvage, marked as corrupt."),
)
@click.option("--to", "location", metavar="URI", help="s3://bucket/prefix/ or a directory, if not BACKUP_DIR.")
@click.option("--no-drill", is_flag=True, help="Do not prove the backup by restoring it to scratch.")
@click.option("--quiet", "-q", is_flag=True, help="Print only notes and errors, for mail from cron.")
def backup(out: Output, *, order: Order, location: str | None, no_drill: bool) -> None:
    """Back up the database and configuration, and prove it.

    The backup is restored to scratch and compared. Backups older than BACKUP_RETAIN days are then deleted from a
    directory, never the newest good one of each tier; a bucket's lifecycle rules delete its old backups.

    If HEARTBEAT_URL is set, it is fetched after each proven backup of the database, and only then: a monitoring service
    that expects the request raises an alarm when it does not come. If the URL cannot be reached, a note is printed.
    """
    site = options.site(vault=location)
    with out.progress() as watcher:
        taken = take(site, order, watcher, prove=not no_drill)
        pruned = None if site.vault.capabilities.expires_by_itself else prune(site)
    heartbeat = _announce(taken, site.settings.heartbeat_url)
    document = taken.report.to_dict() | {
        "drill": taken.drilled.to_dict() if taken.drilled else None,
        "pruned": pruned.to_dict() if pruned else None,
        "heartbeat": heartbeat,
    }
    out.give(document, [_facts(taken, pruned)])
    for note in _notes(taken.report, site.settings.mass_deletion_percent):
        out.note(note)
    if heartbeat not in (None, _SENT):
        out.note(f"the heartbeat was not sent: {heartbeat}")
    taken.require_no_failure()


@dataclass(frozen=True, slots=True)
class Taken:
    """A committed backup and its drill; None if it was not drilled."""

    report: BackupReport
    drilled: DrillReport | None

    def require_no_failure(self) -> None:
        """Check that the drill, if there was one, passed.

        Raises:
            DrillFailed: it failed.
            ConfigError: the backup is good, but DRILL_SQL has questions that cannot be answered.
        """
        if self.drilled is None:
            return
        if not self.drilled.passed:
            raise DrillFailed(
                f"{self.report.backup_id} could not be proven: {'; '.join(self.drilled.failures)}",
                hint="Take another backup; `restore --latest` uses the one before it.",
            )
        self.drilled.require_answers()


def take(site: Site, order: Order, watcher: Watcher, *, prove: bool = True) -> Taken:
    """Back up the site, prove the backup unless it is corrupt, and record the proof.

    Raises:
        SourceNotFound, SourceBusy, SourceCorrupt, ScratchFull, VaultUnavailable: there is no backup.
        BackupExists: another backup was taken in the same second.
    """
    report = back_up(site, order, watcher)
    if not report.created:
        raise BackupExists(f"{report.backup_id} already exists", hint="Wait a second and run it again.")
    if not prove or report.manifest.corrupt:
        return Taken(report, None)
    drilled = drill(site, select(site.vault, Choice(backup_id=report.backup_id)), watcher)
    record(drilled, site.vault)
    return Taken(report, drilled)


def _announce(taken: Taken, url: str | None) -> str | None:
    """Send the heartbeat if it is due; return `sent`, the reason why it failed, or None if it was not due.

    A backup of only the configuration sends none: it would hide that the database is not backed up. An unanswered
    question of DRILL_SQL leaves the backup unproven.
    """
    drilled, holds_database = taken.drilled, taken.report.manifest.database is not None
    if url is None or not holds_database or drilled is None or not drilled.passed or drilled.unanswered:
        return None
    return ping(url) or _SENT


def ping(url: str) -> str | None:
    """Fetch the URL; return None, or the reason why it failed, after ten seconds at most.

    The thread may be left behind: a socket's timeout starts again with each byte, so a slow answer could last forever.
    The URL is a secret and never part of the result.
    """
    results: list[str | None] = []
    asking = Thread(target=lambda: results.append(_fetch(url)), daemon=True)
    asking.start()
    asking.join(_PING_SECONDS)
    return results[0] if results else _TOO_LATE


def _fetch(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=_PING_SECONDS) as answer:  # noqa: S310 - Settings only allow http(s)
            answer.read(1)
    except TimeoutError:
        return _TOO_LATE
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code}"
    except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: not a URL after all
        reason = error.reason if isinstance(error, urllib.error.URLError) else type(error).__name__
        return _TOO_LATE if isinstance(reason, TimeoutError) else f"it was not reached: {reason}"
    return None


def _facts(taken: Taken, pruned: PruneReport | None) -> Table:
    report, manifest, drilled = taken.report, taken.report.manifest, taken.drilled
    shown = table()
    shown.add_row("backup", f"[bold]{report.backup_id}[/]")
    shown.add_row("in", f"{report.location.removesuffix('/')}/{report.archive}")
    if manifest.database is not None and manifest.snapshot is not None:
        tables = f"{counted(len(manifest.tables), 'table')}, {counted(manifest.rows, 'row')}"
        shown.add_row("database", f"{size(manifest.database.bytes)}, {tables}")
        stall = manifest.snapshot.writer_stall_seconds
        shown.add_row("snapshot", f"{manifest.snapshot.method}, longest writer stall {stall:.3f} s")
    shown.add_row("archive", size(manifest.archive.bytes if manifest.archive else None))
    if drilled is not None:
        proof = f"restored and compared in {drilled.recovery_seconds:.2f} s" if drilled.passed else "[red]NO[/]"
        shown.add_row("proven", proof)
    if pruned is not None and pruned.removed:
        shown.add_row("removed", counted(len(pruned.removed), "old backup"))
    return shown


def _notes(report: BackupReport, mass_deletion_percent: float) -> Iterator[str]:
    yield from (*report.warnings, *report.omitted)
    if report.changes and (lost := report.changes.loss_beyond(mass_deletion_percent)):
        yield f"{lost}; an accident? docs/runbooks/accidental-deletion.md"
