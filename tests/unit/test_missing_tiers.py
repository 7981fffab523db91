"""Tests of overdue tiers: a tier is overdue without a recent backup that a restore could use."""

from datetime import UTC, datetime, timedelta

import pytest

from sqlitevault.catalog.catalog import Backup
from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.catalog.manifest import Database, Scope
from sqlitevault.catalog.names import backup_id
from sqlitevault.ground.facts import Tier
from sqlitevault.vault.protocol import StoredObject
from sqlitevault.watch.monitor import missing_tiers
from tests.archives import manifest_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FACTS = Database(
    bytes=1000, page_size=512, journal_mode="delete", sqlite_version="3", user_version=0, application_id=0,
    encoding="UTF-8",
)  # fmt: skip


def backup(tier: Tier, hours: float, *, database: bool = True, passed: bool | None = True) -> Backup:
    """Return a backup taken `hours` ago; `passed` is the result of its drill, None without a drill."""
    moment = NOW - timedelta(hours=hours)
    identifier = backup_id("app", moment)
    manifest = manifest_of(
        (), backup_id=identifier, created_at=moment, tier=tier, database=FACTS if database else None,
        scope=Scope.ALL if database else Scope.CONFIG,
    )  # fmt: skip
    drill = DrillReport(
        backup_id=identifier, vault="v", drilled_at=moment, passed=bool(passed), recovery_seconds=1, rto_seconds=900,
        steps={}, checks=(),
    )  # fmt: skip
    return Backup(StoredObject(identifier, 1, moment), manifest, drill if passed is not None else None)


def missing(*newest_first: Backup, every_tier: bool = False) -> tuple[str, ...]:
    """Return the overdue tiers."""
    return missing_tiers(newest_first, NOW, every_tier=every_tier)


OLD = (backup(Tier.DAILY, 50), backup(Tier.HOURLY, 60))


@pytest.mark.parametrize("passed", [True, None], ids=["drilled", "not yet drilled"])
def test_a_tier_is_not_overdue_after_a_backup_of_its_own(passed: bool | None) -> None:
    """Only a backup of the tier itself, drilled or not yet drilled, ends the warning for that tier."""
    assert missing(backup(Tier.HOURLY, 0), *OLD) == ("daily",)
    assert missing(backup(Tier.DAILY, 0, passed=passed), backup(Tier.HOURLY, 1), *OLD) == ()


def test_a_backup_of_only_the_configuration_does_not_count() -> None:
    """A backup without a database does not count for its tier."""
    assert missing(backup(Tier.DAILY, 0, database=False), backup(Tier.HOURLY, 1), *OLD) == ("daily",)


def test_a_backup_that_failed_its_drill_does_not_count() -> None:
    """A backup that failed its drill does not count, because restore skips it."""
    assert missing(backup(Tier.DAILY, 0, passed=False), backup(Tier.HOURLY, 1), *OLD) == ("daily",)
    assert missing(backup(Tier.DAILY, 0, passed=False), backup(Tier.DAILY, 50, passed=False)) == ("daily",)


def test_a_backup_dated_in_the_future_does_not_count() -> None:
    """A backup dated in the future does not count, or the tier would not be overdue until then."""
    assert missing(backup(Tier.DAILY, -9999), backup(Tier.HOURLY, 1), *OLD) == ("daily",)


def test_tiers_without_a_backup_count_only_if_scheduled() -> None:
    """A tier without any backup is overdue only in a deployed vault, where every tier is scheduled."""
    young = (backup(Tier.HOURLY, 0), backup(Tier.HOURLY, 27))
    assert missing(*young) == ()
    assert missing(*young, every_tier=True) == ("daily",)
    assert missing(backup(Tier.DAILY, 0, database=False), *young) == ()
