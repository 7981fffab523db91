"""A backup as the command line takes it: committed, then proven by restoring it."""

import socket
from dataclasses import dataclass

from sqlitevault.backup.backup import BackupReport, BackupRequest, back_up
from sqlitevault.catalog.catalog import Choice
from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.selection import select
from sqlitevault.ground.errors import BackupExists, DrillFailed
from sqlitevault.ground.facts import Tier
from sqlitevault.ground.settings import Settings
from sqlitevault.ground.steps import Watcher
from sqlitevault.proof.drill import DrillRequest, record
from sqlitevault.proof.drill import drill as hold_drill
from sqlitevault.site import utc_now
from sqlitevault.snapshot import SnapshotOptions
from sqlitevault.vault.protocol import Vault
from sqlitevault.watch.changes import LossLimits


@dataclass(frozen=True, slots=True)
class Taken:
    """A committed backup and its drill; None if none was held."""

    report: BackupReport
    drilled: DrillReport | None

    @property
    def proven(self) -> bool:
        """Whether it was restored and compared, and answered all that it was to be asked."""
        return self.drilled is not None and self.drilled.passed and not self.drilled.unanswered

    def require_no_failure(self) -> None:
        """See that the drill, if one was held, did not fail.

        Raises:
            DrillFailed: it did.
            ConfigError: the backup is good, but DRILL_SQL has questions that nothing could answer.
        """
        if self.drilled is None:
            return
        if not self.drilled.passed:
            raise DrillFailed(
                f"{self.report.backup_id} could not be proven: {'; '.join(self.drilled.failures)}",
                hint="Take another backup; restore proposes the one before.",
            )
        self.drilled.require_answers()


def request_for(
    settings: Settings, *, scope: Scope = Scope.ALL, tier: Tier = Tier.MANUAL, allow_corrupt: bool = False
) -> BackupRequest:
    """Return the request for a backup, now, of what the settings name."""
    return BackupRequest(
        database=settings.database_path,
        config_root=settings.config_root,
        created_at=utc_now(),
        host=socket.gethostname(),
        tier=tier,
        scope=scope,
        allow_corrupt=allow_corrupt,
        scratch=settings.scratch,
        snapshot=SnapshotOptions.of(settings),
        losses=LossLimits.of(settings),
    )


def take(request: BackupRequest, vault: Vault, settings: Settings, watcher: Watcher, *, prove: bool = True) -> Taken:
    """Take the backup, prove it if `prove`, and record the proof. One kept although it is corrupt is never drilled.

    Without `drill_sql` in the settings it is compared with what was backed up, and asked nothing else.

    Raises:
        SourceNotFound, SourceBusy, SourceCorrupt, ScratchFull, VaultUnavailable: there is no backup.
        BackupExists: another one was taken in this very second.
    """
    report = back_up(request, vault, watcher)
    if not report.created:
        raise BackupExists(f"{report.backup_id} is there already", hint="Wait a second and run it again.")
    drilled = _prove(report, vault, settings, watcher) if prove and not report.manifest.corrupt else None
    return Taken(report, drilled)


def _prove(report: BackupReport, vault: Vault, settings: Settings, watcher: Watcher) -> DrillReport:
    chosen = select(vault, Choice(backup_id=report.backup_id))
    drilled = hold_drill(DrillRequest.of(chosen, utc_now(), settings), watcher)
    record(drilled, vault)
    return drilled
