"""What there is to see of a database's backups: what happened lately, readiness, and the page that shows both."""

from dataclasses import dataclass
from datetime import datetime

from sqlitevault.ground.facts import REPORT_PAGE
from sqlitevault.vault.directory import DirectoryVault
from sqlitevault.watch import history as past
from sqlitevault.watch import readiness as checklist
from sqlitevault.watch.history import History, HistoryRequest
from sqlitevault.watch.readiness import ReadinessReport, ReadinessRequest
from sqlitevault.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Overview:
    """The vault, replica and alarms of a process, seen at `at`, `days` back."""

    wired: Wiring
    at: datetime
    days: int = 7

    def history(self) -> History:
        """Return backups, drills and the replica's lag over time.

        Raises:
            VaultUnavailable: the vault cannot be read.
        """
        settings = self.wired.settings
        request = HistoryRequest(
            database=settings.database_path.stem,
            now=self.at,
            days=self.days,
            rpo_seconds=settings.rpo_seconds,
            rto_seconds=settings.rto_seconds,
        )
        return past.history(self.wired.vault, request)

    def readiness(self) -> ReadinessReport:
        """Compute the checklist.

        Raises:
            VaultUnavailable: the vault cannot be read.
        """
        settings = self.wired.settings
        request = ReadinessRequest(
            database=settings.database_path.stem,
            rpo_seconds=settings.rpo_seconds,
            rto_seconds=settings.rto_seconds,
            now=self.at,
            in_bucket=not isinstance(self.wired.vault, DirectoryVault),
            expected=self.wired.expected_protection,
        )
        return checklist.readiness(self.wired.vault, self.wired.replica, self.wired.alarms, request)

    def page(self) -> str:
        """Return both as a page that needs nothing but itself.

        Raises:
            VaultUnavailable: the vault cannot be read.
        """
        # Loading the charts takes longer than most commands run.
        from sqlitevault.watch.page.report import report_page  # noqa: PLC0415

        return report_page(self.history(), self.readiness())

    def publish(self) -> None:
        """Leave the page in the vault, where people find it without this program.

        Raises:
            VaultUnavailable: the vault cannot be read or written.
        """
        self.wired.vault.replace(REPORT_PAGE, self.page().encode())
