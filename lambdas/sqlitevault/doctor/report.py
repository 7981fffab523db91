"""What the doctor found."""

from enum import StrEnum

from pydantic import computed_field

from sqlitevault.catalog.report import Report, Seconds
from sqlitevault.database.header import JournalMode


class Level(StrEnum):
    """How bad a finding is: a problem makes backups fail or not to be trusted, a warning may."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(Report):
    """One thing that was looked at; `hint` says what to do, or what could not be seen from here."""

    name: str
    level: Level
    detail: str
    hint: str = ""


class Capacity(Report):
    """What was measured and projected; None where it does not apply.

    Attributes:
        bytes: of the database.
        read_bytes_per_second: at which this host reads the source.
        writer_stall_seconds: for which one copy under the lock would hold up writers; 0 in WAL mode.
        backup_seconds: that a backup takes here.
        largest_bytes: of a database that fits time and scratch here.
        scratch_free_bytes: on the working disk; None if it cannot be used.
    """

    bytes: int
    read_bytes_per_second: int
    writer_stall_seconds: Seconds
    backup_seconds: Seconds
    largest_bytes: int
    scratch_free_bytes: int | None


class DoctorReport(Report):
    """A self-test of one source on one host."""

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
        """The findings that make backups fail, or not to be trusted."""
        return tuple(finding for finding in self.findings if finding.level is Level.PROBLEM)


def ok(name: str, detail: str, hint: str = "") -> Finding:
    """Return a finding that is as it should be."""
    return Finding(name=name, level=Level.OK, detail=detail, hint=hint)


def warning(name: str, detail: str, hint: str) -> Finding:
    """Return a finding that may make backups fail."""
    return Finding(name=name, level=Level.WARNING, detail=detail, hint=hint)


def problem(name: str, detail: str, hint: str) -> Finding:
    """Return a finding that makes backups fail, or not to be trusted."""
    return Finding(name=name, level=Level.PROBLEM, detail=detail, hint=hint)
