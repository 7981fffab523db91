"""Is everything there that a recovery would need? The guide's checklist «before disaster strikes», from evidence.

Nobody ticks a box: each line is computed from what vault, replica and alarms show now, and evidence that is too old
fails like evidence that is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlitevault.ground.errors import SqliteVaultError
from sqlitevault.ground.quantities import format_time
from sqlitevault.ground.report import Moment, Report
from sqlitevault.vault.protocol import Protection, Vault
from sqlitevault.watch import evidence
from sqlitevault.watch.alarms import Alarms
from sqlitevault.watch.evidence import Evidence, Line, Status, not_applicable
from sqlitevault.watch.monitor import backups_of


@dataclass(frozen=True, slots=True)
class ReadinessRequest:
    """What to judge by. `expected` is how the vault was deployed, where that is known here."""

    database: str
    rpo_seconds: int
    rto_seconds: int
    now: datetime
    expected: Protection | None = None


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


def readiness(
    vault: Vault, replica: Vault | None, alarms: Callable[[], Alarms | None], request: ReadinessRequest
) -> ReadinessReport:
    """Look at all evidence. What cannot be looked at fails its line; only the vault itself must be readable.

    Raises:
        VaultUnavailable: the vault cannot be read.
    """
    found = Evidence(
        vault=vault,
        replica=replica,
        backups=backups_of(vault, request.database),
        now=request.now,
        rpo_seconds=request.rpo_seconds,
        rto_seconds=request.rto_seconds,
    )
    lines = tuple(_line(name, look) for name, look in _checklist(found, alarms, request).items())
    return ReadinessReport(
        at=request.now,
        database=request.database,
        vault=vault.location,
        ready=not any(line.status is Status.FAILED for line in lines),
        lines=lines,
    )


def _in_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _checklist(
    found: Evidence, alarms: Callable[[], Alarms | None], request: ReadinessRequest
) -> dict[str, Callable[[], Line]]:
    """Return what each line looks at, in the guide's order."""
    return {
        "backups on schedule": lambda: evidence.schedule(found),
        "off-site copy": lambda: _off_site(found, request),
        "alarms armed and delivering": lambda: _alarms(found, alarms(), request),
        "drill within 30 days": lambda: evidence.drill(found),
        "newest backup drilled": lambda: evidence.last_cycle(found),
        "drill from the replica": lambda: _replica_drill(found, request),
        "key metadata present": lambda: evidence.key_metadata(found),
        "lock and retention as set": lambda: _protection(found, request),
        "runbook tested": lambda: evidence.runbook(found),
    }


def _line(name: str, look: Callable[[], Line]) -> Line:
    try:
        return look().model_copy(update={"name": name})
    except SqliteVaultError as error:
        return Line(name=name, status=Status.FAILED, proof=f"cannot be looked at: {error}")


def _off_site(found: Evidence, request: ReadinessRequest) -> Line:
    if found.replica is None and not found.vault.capabilities.replicates:
        return not_applicable("a directory has no replica of its own; REPLICA_URI names a copy to judge")
    return evidence.off_site(found, request.database)


def _alarms(found: Evidence, alarms: Alarms | None, request: ReadinessRequest) -> Line:
    if alarms is None:
        return not_applicable("a directory has no alarms of AWS; see docs/monitoring/prometheus-rules.yml")
    return evidence.alarms_armed(found, alarms, request.database)


def _replica_drill(found: Evidence, request: ReadinessRequest) -> Line:
    if found.replica is None:
        return not_applicable("there is no replica to drill from")
    return evidence.replica_drill(found, request.database)


def _protection(found: Evidence, request: ReadinessRequest) -> Line:
    if not found.vault.capabilities.has_versions:
        return not_applicable("a directory has neither lock nor lifecycle rules; BACKUP_RETAIN clears it")
    return evidence.protection(found, request.expected)
