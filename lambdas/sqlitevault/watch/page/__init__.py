"""Readiness and history as HTML pages that load nothing from the network."""

from sqlitevault.ground.facts import REPORT_PAGE
from sqlitevault.site import Site
from sqlitevault.watch.history import DAYS, history
from sqlitevault.watch.readiness import readiness


def make_page(site: Site, days: int = DAYS) -> str:
    """Return the page with charts, readiness and the last backups.

    Raises:
        VaultUnavailable: the vault cannot be read.
    """
    # Importing pygal and Jinja2 takes longer than most commands.
    from sqlitevault.watch.page.pages import report_page  # noqa: PLC0415

    return report_page(history(site, days), readiness(site))


def publish_page(site: Site) -> None:
    """Write that page into the vault.

    Raises:
        VaultUnavailable: the vault cannot be read or written.
    """
    site.vault.replace(REPORT_PAGE, make_page(site).encode())
