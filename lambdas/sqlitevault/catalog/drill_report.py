"""The report of a drill: what was proven of a backup, and how long its recovery took."""

from typing import ClassVar

from sqlitevault.ground.errors import ConfigError, DrillFailed
from sqlitevault.ground.report import Moment, Report, Seconds
from sqlitevault.vault.protocol import same_place


class Check(Report):
    """One check of a backup; `detail` is for people and holds no row contents."""

    name: str
    passed: bool
    detail: str


class DrillReport(Report):
    """A drill of one backup.

    Attributes:
        vault: where the backup was read from, as `vault.protocol.whole_location` writes it.
        recovery_seconds: from the first request to the vault until the database was proven equal to what was backed
            up. Loading the SQL dump is proof, not recovery, and does not count.
        unanswered: queries of DRILL_SQL that could not be run: an error in DRILL_SQL, not in the backup.
    """

    title: ClassVar[str] = "a drill report in the vault"
    if_invalid: ClassVar[str] = "Run `sqlitevault drill` to write a new one."
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
        """The checks that failed, in words."""
        return tuple(f"{check.name}: {check.detail}" for check in self.checks if not check.passed)

    def held_in(self, location: str) -> bool:
        """Return whether the drill read the vault at this location, not its replica or another copy."""
        return same_place(self.vault, location)

    def require_passed(self) -> None:
        """Check that the backup was proven.

        Raises:
            DrillFailed: it was not.
        """
        if not self.passed:
            raise DrillFailed(
                f"{self.backup_id} could not be proven: {'; '.join(self.failures)}",
                hint="Restore proposes the backup before it. Follow docs/runbooks/drill-failed.md.",
            )

    def require_answers(self) -> None:
        """Check that every query of DRILL_SQL could be run on a backup that passed.

        Raises:
            ConfigError: some could not.
        """
        if self.passed and self.unanswered:
            raise ConfigError(
                f"{self.backup_id} was restored and compared, but {'; '.join(self.unanswered)}",
                hint="Correct DRILL_SQL; try the query on the live database first.",
            )
