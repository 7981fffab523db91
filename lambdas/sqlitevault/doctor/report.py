"""The doctor's report and its findings."""

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, computed_field

from sqlitevault.database.header import JournalMode
from sqlitevault.ground.report import Report, Seconds


class Level(StrEnum):
    """Severity: a problem makes backups fail or untrustworthy, a warning may do so."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(Report):
    """The result of one check; `hint` says what to do, or what cannot be seen from this host."""

    name: str
    level: Level
    detail: str
    hint: str = ""


class Capacity(Report):
    """Measurements and projections.

    Attributes:
        bytes: size of the database.
        read_bytes_per_second: the speed at which this host reads the source.
        writer_stall_seconds: the time for which one copy under the lock would block writers; 0 in WAL mode.
        backup_seconds: the time of a backup on this host.
        largest_bytes: size of the largest database that time and scratch allow.
        scratch_free_bytes: free bytes of scratch; None if it cannot be used.
    """

    bytes: int
    read_bytes_per_second: Annotated[int, BeforeValidator(int)]
    writer_stall_seconds: Seconds
    backup_seconds: Seconds
    largest_bytes: int
    scratch_free_bytes: int | None


class DoctorReport(Report):
    """The report on one source from one host."""

    source: str
    host: str
    journal_mode: JournalMode
    capacity: Capacity
    findings: tuple[Finding, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def healthy(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that make backups fail or untrustworthy."""
        return tuple(finding for finding in self.findings if finding.level is Level.PROBLEM)


def ok(name: str, detail: str, hint: str = "") -> Finding:
    """Return a finding without a fault."""
    return Finding(name=name, level=Level.OK, detail=detail, hint=hint)


def warning(name: str, detail: str, hint: str) -> Finding:
    """Return a finding that may make backups fail."""
    return Finding(name=name, level=Level.WARNING, detail=detail, hint=hint)


def problem(name: str, detail: str, hint: str) -> Finding:
    """Return a finding that makes backups fail or untrustworthy."""
    return Finding(name=name, level=Level.PROBLEM, detail=detail, hint=hint)
