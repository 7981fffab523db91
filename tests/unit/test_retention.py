"""Which backups the retention lets go."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sqlitevault.backup.retention import Candidate, expired
from sqlitevault.ground.facts import Tier

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def candidate(
    name: str, days: float, *, good: bool = True, database: str = "app", tier: Tier = Tier.MANUAL
) -> Candidate:
    """Make a backup of that age."""
    return Candidate(name, database, NOW - timedelta(days=days), good, tier)


def test_what_is_older_than_the_retention_goes() -> None:
    """Old ones go, oldest first, younger ones stay."""
    gone = expired([candidate("new", 1), candidate("old", 31), candidate("older", 40)], retain_days=30, now=NOW)
    assert [each.name for each in gone] == ["older", "old"]


def test_the_newest_good_one_stays_whatever_its_age() -> None:
    """When backups stopped long ago the last good one is all there is."""
    found = expired([candidate("good", 90), candidate("bad", 80, good=False)], retain_days=30, now=NOW)
    assert [each.name for each in found] == ["bad"]


def test_each_database_keeps_its_own_newest_good_one() -> None:
    """One database's fresh backup is no reason to drop another's last."""
    found = expired([candidate("a", 1), candidate("b", 90, database="other")], retain_days=30, now=NOW)
    assert found == ()


def test_a_schedule_that_stopped_is_not_forgotten() -> None:
    """The newest good backup of each tier stays, so that its absence is seen; those by hand have no schedule."""
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
def test_a_good_backup_survives_wherever_there_was_one(backups: list[Candidate], retain_days: int) -> None:
    """Whatever the ages: a database with a good backup still has one, so has each schedule; nothing young goes."""
    gone = set(expired(backups, retain_days=retain_days, now=NOW))
    left = [each for each in backups if each not in gone]
    assert {each.database for each in backups if each.good} == {each.database for each in left if each.good}
    assert _schedules(backups) == _schedules(left)
    assert all(NOW - each.created_at > timedelta(days=retain_days) for each in gone)


def _schedules(backups: list[Candidate]) -> set[tuple[str, Tier]]:
    return {(each.database, each.tier) for each in backups if each.good and each.tier is not Tier.MANUAL}
