"""The readiness checklist: whether everything that a recovery needs is in place.

Each line is computed from the present state of vault, replica and alarms. Evidence that is too old fails like evidence
that is missing.
"""

from collections.abc import Callable
from functools import partial

from sqlitevault.ground.errors import SqliteVaultError
from sqlitevault.ground.quantities import format_time
from sqlitevault.ground.report import Moment, Report
from sqlitevault.site import Site
from sqlitevault.watch import evidence
from sqlitevault.watch.alarms import deployed_alarms
from sqlitevault.watch.evidence import Evidence, Line, ReadAlarms, Status
from sqlitevault.watch.monitor import backups_of

_CHECKLIST = {
    "backups on schedule": evidence.schedule,
    "off-site copy": evidence.off_site,
    "alarms armed and delivering": evidence.alarms_armed,
    "drill within 30 days": evidence.drill,
    "newest backup drilled": evidence.last_cycle,
    "drill from the replica": evidence.replica_drill,
    "key metadata present": evidence.key_metadata,
    "lock and retention as set": evidence.protection,
    "runbook tested": evidence.runbook,
}


class ReadinessReport(Report):
    """The checklist. `ready` means that no line failed."""

    at: Moment
    database: str
    vault: str
    ready: bool
    lines: tuple[Line, ...]

    @property
    def failed(self) -> tuple[Line, ...]:
        """The lines that failed."""
        return tuple(line for line in self.lines if line.status is Status.FAILED)

    @property
    def verdict(self) -> str:
        """The result in a few words."""
        return "ready" if self.ready else f"NOT READY, {len(self.failed)} of {len(self.lines)} failed"

    def to_markdown(self) -> str:
        """Return the checklist for a wiki or a ticket."""
        rows = ((line.status, line.name, _in_cell(line.proof), line.age) for line in self.lines)
        table = [("status", "check", "proof", "age"), ("---",) * 4, *rows]
        head = f"# Readiness of {self.database}: {self.verdict}\n\n{self.vault} at {format_time(self.at)}\n\n"
        return head + "".join(f"| {' | '.join(row)} |\n" for row in table)


def readiness(site: Site, alarms: ReadAlarms | None = None) -> ReadinessReport:
    """Run all checks. Evidence that cannot be read fails its line; only the vault itself must be readable.

    `alarms` reads the alarms to check, by default those deployed with the vault.

    Raises:
        VaultUnavailable: the vault cannot be read.
    """
    reading = alarms or partial(deployed_alarms, site.vault, site.database_name)
    found = Evidence(site, site.now(), backups_of(site.vault, site.database_name), reading)
    lines = tuple(_line(found, name, check) for name, check in _CHECKLIST.items())
    return ReadinessReport(
        at=found.now,
        database=site.database_name,
        vault=site.vault.location,
        ready=not any(line.status is Status.FAILED for line in lines),
        lines=lines,
    )


def _in_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _line(found: Evidence, name: str, check: Callable[[Evidence], Line]) -> Line:
    try:
        return check(found).model_copy(update={"name": name})
    except SqliteVaultError as error:
        return Line(name=name, status=Status.FAILED, proof=f"cannot be read: {error}")
