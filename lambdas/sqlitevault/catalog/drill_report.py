"""The record of a drill: what was proven of a backup, and how long its recovery took."""

from typing import Self

from pydantic import ValidationError

from sqlitevault.catalog.report import Moment, Report, Seconds
from sqlitevault.ground.errors import ConfigError, DrillFailed, ManifestInvalid
from sqlitevault.ground.facts import DRILL_REPORTS, REPLICA_DRILL_REPORTS
from sqlitevault.vault.protocol import same_place


class Check(Report):
    """One thing that was looked at; `detail` is for people and holds no row contents."""

    name: str
    passed: bool
    detail: str


class DrillReport(Report):
    """A drill of one backup. `vault` is where it was taken from, as `vault.whole_location` writes it.

    `recovery_seconds` runs from asking the vault to a database proven equal to what was backed up; loading the
    SQL dump is proof, not recovery, and is not in it. `unanswered` are the operator's own questions that nothing could
    answer: they say nothing about the backup, and that DRILL_SQL is wrong.
    """

    backup_id: str
    vault: str
    drilled_at: Moment
    passed: bool
    recovery_seconds: Seconds
    rto_seconds: int
    steps: dict[str, Seconds]
    checks: tuple[Check, ...]
    unanswered: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        """What did not hold."""
        return tuple(f"{check.name}: {check.detail}" for check in self.checks if not check.passed)

    def held_in(self, location: str) -> bool:
        """Tell whether the backup was taken from the vault at this location, and not from its copy or its original."""
        return same_place(self.vault, location)

    def require_passed(self) -> None:
        """See that the backup was proven.

        Raises:
            DrillFailed: it was not.
        """
        if not self.passed:
            raise DrillFailed(
                f"{self.backup_id} could not be proven: {'; '.join(self.failures)}",
                hint="Restore proposes the backup before it. Follow docs/runbooks/drill-failed.md.",
            )

    def require_answers(self) -> None:
        """See that a backup which passed was asked every question.

        Raises:
            ConfigError: DRILL_SQL has questions that nothing could answer.
        """
        if self.passed and self.unanswered:
            raise ConfigError(
                f"{self.backup_id} was restored and compared, but {'; '.join(self.unanswered)}",
                hint="Correct DRILL_SQL; try the query on the live database first.",
            )

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
    return f"{DRILL_REPORTS}{backup_id}.json"


def replica_drill_report_name(backup_id: str) -> str:
    """Return the name of the report of a drill from the replica: replication would write over the vault's name."""
    return f"{REPLICA_DRILL_REPORTS}{backup_id}.json"
