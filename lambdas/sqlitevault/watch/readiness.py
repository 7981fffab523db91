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
from sqlitevault.watch.alarms import Alarm, deployed_alarms
from sqlitevault.watch.evidence import Evidence, Line, Status
from sqlitevault.watch.monitor import backups_of

_ReadAlarms = Callable[[], tuple[Alarm, ...] | None]


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


def readiness(site: Site, alarms: _ReadAlarms | None = None) -> ReadinessReport:
    """Run all checks. Evidence that cannot be read fails its line; only the vault itself must be readable.

    `alarms` reads the alarms to check, by default those deployed with the vault.

    Raises:
        VaultUnavailable: the vault cannot be read.
    """
    found = Evidence(site, site.now(), backups_of(site.vault, site.database_name))
    reading = alarms or partial(deployed_alarms, site.vault, site.database_name)
    lines = tuple(_line(name, check) for name, check in _checklist(found, reading).items())
    return ReadinessReport(
        at=found.now,
        database=site.database_name,
        vault=site.vault.location,
        ready=not any(line.status is Status.FAILED for line in lines),
        lines=lines,
    )


def _in_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _checklist(found: Evidence, alarms: _ReadAlarms) -> dict[str, Callable[[], Line]]:
    """Return each line's check, in the order of the checklist."""
    return {
        "backups on schedule": lambda: evidence.schedule(found),
        "off-site copy": lambda: evidence.off_site(found),
        "alarms armed and delivering": lambda: evidence.alarms_armed(found, alarms()),
        "drill within 30 days": lambda: evidence.drill(found),
        "newest backup drilled": lambda: evidence.last_cycle(found),
        "drill from the replica": lambda: evidence.replica_drill(found),
        "key metadata present": lambda: evidence.key_metadata(found),
        "lock and retention as set": lambda: evidence.protection(found),
        "runbook tested": lambda: evidence.runbook(found),
    }


def _line(name: str, check: Callable[[], Line]) -> Line:
    try:
        return check().model_copy(update={"name": name})
    except SqliteVaultError as error:
        return Line(name=name, status=Status.FAILED, proof=f"cannot be read: {error}")
