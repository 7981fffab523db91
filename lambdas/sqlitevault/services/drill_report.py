"""The record of a drill: what was proven of a backup, and how long its recovery took."""

from typing import Self

from pydantic import ValidationError

from sqlitevault.errors import ManifestInvalid
from sqlitevault.services.report import Moment, Report, Seconds


class Check(Report):
    """One thing that was looked at; `detail` is for people and holds no row contents."""

    name: str
    passed: bool
    detail: str


class DrillReport(Report):
    """A drill of one backup.

    `recovery_seconds` runs from asking the vault to a database proven equal to what was backed up; loading the
    SQL dump is proof, not recovery, and is not in it.
    """

    backup_id: str
    vault: str
    drilled_at: Moment
    passed: bool
    recovery_seconds: Seconds
    rto_seconds: int
    steps: dict[str, Seconds]
    checks: tuple[Check, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """What did not hold."""
        return tuple(f"{check.name}: {check.detail}" for check in self.checks if not check.passed)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a report as a drill wrote it.

        Raises:
            ManifestInvalid: it is not a drill report.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise ManifestInvalid(
                "a drill report in the vault cannot be read", hint="Run `sqlitevault drill` to write a new one."
            ) from error


def drill_report_name(backup_id: str) -> str:
    """Return the report's name in the vault that holds the backup."""
    return f"reports/drills/{backup_id}.json"
