"""Retention rules."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sqlitevault.backup.retention import Candidate, expired
from sqlitevault.ground.facts import Tier

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def candidate(
    name: str, days: float, *, good: bool = True, database: str = "app", tier: Tier = Tier.MANUAL
) -> Candidate:
    """Make a backup taken `days` ago."""
    return Candidate(name, database, NOW - timedelta(days=days), good, tier)


def test_backups_older_than_the_retention_expire() -> None:
    """Backups older than the retention expire, oldest first; younger ones are kept."""
    gone = expired([candidate("new", 1), candidate("old", 31), candidate("older", 40)], retain_days=30, now=NOW)
    assert [each.name for each in gone] == ["older", "old"]


def test_the_newest_good_backup_is_kept_at_any_age() -> None:
    """The newest good backup is kept at any age, even if newer backups are bad."""
    found = expired([candidate("good", 90), candidate("bad", 80, good=False)], retain_days=30, now=NOW)
    assert [each.name for each in found] == ["bad"]


def test_each_database_keeps_its_newest_good_backup() -> None:
    """The newest good backup of one database is kept even if another database has a newer one."""
    found = expired([candidate("a", 1), candidate("b", 90, database="other")], retain_days=30, now=NOW)
    assert found == ()


def test_the_newest_good_backup_of_each_tier_is_kept() -> None:
    """The newest good backup of each tier is kept, so that a stopped schedule is noticed; manual backups have none."""
    backups = [
        candidate("hourly", 0, tier=Tier.HOURLY), candidate("by hand", 40), candidate("daily", 50, tier=Tier.DAILY),
        candidate("bad daily", 45, good=False, tier=Tier.DAILY), candidate("daily before", 51, tier=Tier.DAILY),
    ]  # fmt: skip
    gone = expired(backups, retain_days=30, now=NOW)
    assert [each.name for each in gone] == ["daily before", "bad daily", "by hand"]


candidates = st.lists(
    st.builds(
        candidate,
        st.uuids().map(str),
        st.floats(0, 400),
        good=st.booleans(),
        database=st.sampled_from(["a", "b"]),
        tier=st.sampled_from(Tier),
    ),
    max_size=30,
)


@given(candidates, st.integers(1, 100))
def test_no_database_loses_its_last_good_backup(backups: list[Candidate], retain_days: int) -> None:
    """At any ages, a database or tier with a good backup keeps one, and no young backup expires."""
    gone = set(expired(backups, retain_days=retain_days, now=NOW))
    left = [each for each in backups if each not in gone]
    assert {each.database for each in backups if each.good} == {each.database for each in left if each.good}
    assert _schedules(backups) == _schedules(left)
    assert all(NOW - each.created_at > timedelta(days=retain_days) for each in gone)


def _schedules(backups: list[Candidate]) -> set[tuple[str, Tier]]:
    return {(each.database, each.tier) for each in backups if each.good and each.tier is not Tier.MANUAL}
