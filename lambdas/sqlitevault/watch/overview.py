"""Recent history, readiness, and the page that shows both."""

from dataclasses import dataclass

from sqlitevault.ground.facts import REPORT_PAGE
from sqlitevault.site import Site
from sqlitevault.watch import history as past
from sqlitevault.watch import readiness as checklist
from sqlitevault.watch.alarms import open_alarms
from sqlitevault.watch.history import History, HistoryRequest
from sqlitevault.watch.readiness import ReadinessReport, ReadinessRequest


@dataclass(frozen=True, slots=True)
class Overview:
    """The vault, replica and alarms of a site, `days` back."""

    site: Site
    days: int = 7

    def history(self) -> History:
        """Return backups, drills and the replica's lag over time.

        Raises:
            VaultUnavailable: the vault cannot be read.
        """
        settings = self.site.settings
        request = HistoryRequest(
            database=self.site.database_name,
            now=self.site.now(),
            days=self.days,
            rpo_seconds=settings.rpo_seconds,
            rto_seconds=settings.rto_seconds,
        )
        return past.history(self.site.vault, request)

    def readiness(self) -> ReadinessReport:
        """Compute the checklist.

        Raises:
            VaultUnavailable: the vault cannot be read.
        """
        settings = self.site.settings
        request = ReadinessRequest(
            database=self.site.database_name,
            rpo_seconds=settings.rpo_seconds,
            rto_seconds=settings.rto_seconds,
            now=self.site.now(),
            expected=self.site.expected_protection,
        )
        vault = self.site.vault
        return checklist.readiness(vault, self.site.replica, lambda: open_alarms(vault), request)

    def page(self) -> str:
        """Return both as a page that needs nothing but itself.

        Raises:
            VaultUnavailable: the vault cannot be read.
        """
        # Importing pygal and Jinja2 takes longer than most commands.
        from sqlitevault.watch.page.pages import report_page  # noqa: PLC0415

        return report_page(self.history(), self.readiness())

    def publish(self) -> None:
        """Leave the page in the vault, where people find it without this program.

        Raises:
            VaultUnavailable: the vault cannot be read or written.
        """
        self.site.vault.replace(REPORT_PAGE, self.page().encode())
