"""Retention rules."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sqlitevault.backup.prune import expired
from sqlitevault.catalog.catalog import Backup
from sqlitevault.catalog.manifest import Database, Source
from sqlitevault.ground.facts import Tier
from sqlitevault.vault.protocol import StoredObject
from tests.archives import manifest_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_DATABASE = Database(
    bytes=4096,
    page_size=4096,
    journal_mode="wal",
    sqlite_version="3.45.1",
    user_version=0,
    application_id=0,
    encoding="UTF-8",
)


def candidate(name: str, days: float, *, good: bool = True, database: str = "app", tier: Tier = Tier.MANUAL) -> Backup:
    """Return a backup taken `days` ago."""
    taken_at = NOW - timedelta(days=days)
    manifest = manifest_of(
        (),
        created_at=taken_at,
        tier=tier,
        source=Source(name=database, path="", host=""),
        database=_DATABASE,
        corrupt=() if good else ("row 1 is missing",),
    )
    return Backup(StoredObject(name, 1, taken_at), manifest)


def test_backups_older_than_the_retention_expire() -> None:
    """Backups older than the retention expire, oldest first; younger ones are kept."""
    gone = expired([candidate("new", 1), candidate("old", 31), candidate("older", 40)], retain_days=30, now=NOW)
    assert [each.archive.name for each in gone] == ["older", "old"]


def test_the_newest_good_backup_is_kept_at_any_age() -> None:
    """The newest good backup is kept at any age, even if newer backups are bad."""
    found = expired([candidate("good", 90), candidate("bad", 80, good=False)], retain_days=30, now=NOW)
    assert [each.archive.name for each in found] == ["bad"]


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
    assert [each.archive.name for each in gone] == ["daily before", "bad daily", "by hand"]


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
def test_no_database_loses_its_last_good_backup(backups: list[Backup], retain_days: int) -> None:
    """At any ages, a database or tier with a good backup keeps one, and no young backup expires."""
    gone = {each.archive.name for each in expired(backups, retain_days=retain_days, now=NOW)}
    left = [each for each in backups if each.archive.name not in gone]
    assert _databases(backups) == _databases(left)
    assert _schedules(backups) == _schedules(left)
    limit = NOW - timedelta(days=retain_days)
    assert all(each.manifest.created_at < limit for each in backups if each.archive.name in gone)


def _databases(backups: list[Backup]) -> set[str]:
    return {each.manifest.source.name for each in backups if each.good}


def _schedules(backups: list[Backup]) -> set[tuple[str, Tier]]:
    manifests = [each.manifest for each in backups if each.good]
    return {(made.source.name, made.tier) for made in manifests if made.tier is not Tier.MANUAL}
