"""Which of the drill reports in a vault says what a backup there is worth."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlitevault.catalog.drill_report import DrillReport, drill_report_name, replica_drill_report_name
from sqlitevault.catalog.read_again import read_again
from sqlitevault.ground.errors import BackupNotFound, ManifestInvalid
from sqlitevault.ground.facts import RECORD_LIMIT
from sqlitevault.vault.protocol import StoredObject, Vault


@dataclass(frozen=True, slots=True)
class RecordedDrill:
    """A drill's report, and the object that it was read from."""

    stored: StoredObject
    report: DrillReport


def report_names(backup_id: str) -> tuple[str, ...]:
    """Return the names under which a vault or a replica may have reports of this backup."""
    return drill_report_name(backup_id), replica_drill_report_name(backup_id)


def recorded_drill(vault: Vault, stored: Mapping[str, StoredObject], backup_id: str) -> RecordedDrill | None:
    """Return the newest drill of the backup; one that was held in this very vault says more than one of elsewhere.

    Raises:
        VaultUnavailable: the vault cannot be read.
    """
    written = [stored[name] for name in report_names(backup_id) if name in stored]
    read = [found for entry in written if (found := _read(vault, entry, backup_id)) is not None]
    here = vault.location
    return max(read, key=lambda found: (found.report.held_in(here), found.report.drilled_at), default=None)


def _read(vault: Vault, entry: StoredObject, backup_id: str) -> RecordedDrill | None:
    try:
        report = read_again(vault, entry, DrillReport.from_json, limit=RECORD_LIMIT)
    except (ManifestInvalid, BackupNotFound):
        return None  # a proof that cannot be read proves nothing
    return RecordedDrill(entry, report) if report.backup_id == backup_id else None  # nor does one of another backup
