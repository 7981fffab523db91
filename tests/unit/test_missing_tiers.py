"""Which tiers are overdue: by backups that a restore could take, not by anything that bears the tier's name."""

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
    """Return a backup that many hours old; `passed` is how its drill ended, None if it had none."""
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
    """Ask which tiers are overdue."""
    return missing_tiers(newest_first, NOW, every_tier=every_tier)


OLD = (backup(Tier.DAILY, 50), backup(Tier.HOURLY, 60))


@pytest.mark.parametrize("passed", [True, None], ids=["drilled", "not yet drilled"])
def test_a_backup_of_the_database_ends_it(passed: bool | None) -> None:
    """Of the tier itself."""
    assert missing(backup(Tier.HOURLY, 0), *OLD) == ("daily",)
    assert missing(backup(Tier.DAILY, 0, passed=passed), backup(Tier.HOURLY, 1), *OLD) == ()


def test_the_configuration_alone_is_no_backup_of_the_tier() -> None:
    """It restores no database."""
    assert missing(backup(Tier.DAILY, 0, database=False), backup(Tier.HOURLY, 1), *OLD) == ("daily",)


def test_a_backup_that_could_not_be_proven_is_none() -> None:
    """Restore passes it over."""
    assert missing(backup(Tier.DAILY, 0, passed=False), backup(Tier.HOURLY, 1), *OLD) == ("daily",)
    assert missing(backup(Tier.DAILY, 0, passed=False), backup(Tier.DAILY, 50, passed=False)) == ("daily",)


def test_one_of_the_future_is_none() -> None:
    """Or the tier would be there until then."""
    assert missing(backup(Tier.DAILY, -9999), backup(Tier.HOURLY, 1), *OLD) == ("daily",)


def test_where_nobody_schedules_only_what_was_seen_is_missed() -> None:
    """A deployed vault has every tier."""
    young = (backup(Tier.HOURLY, 0), backup(Tier.HOURLY, 27))
    assert missing(*young) == ()
    assert missing(*young, every_tier=True) == ("daily",)
    assert missing(backup(Tier.DAILY, 0, database=False), *young) == ()
