"""Tests of the comparison of a backup with earlier ones: losses of rows and changes of size."""

from datetime import UTC, datetime, timedelta

import pytest

from sqlitevault.catalog.manifest import Database, Manifest, Table
from sqlitevault.catalog.names import backup_id
from sqlitevault.ground.settings import MASS_DELETION_ROWS
from sqlitevault.watch.changes import Changes, changes
from tests.archives import manifest_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FACTS = Database(
    bytes=1000, page_size=512, journal_mode="delete", sqlite_version="3", user_version=0, application_id=0,
    encoding="UTF-8",
)  # fmt: skip


def backup(hours: float, *, size: int = 1000, digests: dict[str, str] | None = None, **rows: int) -> Manifest:
    """Return the manifest of a backup taken `hours` ago, with the given number of rows per table."""
    moment = NOW - timedelta(hours=hours)
    tables = tuple(Table(name=name, rows=count, digest=(digests or {}).get(name)) for name, count in rows.items())
    return manifest_of(
        (), created_at=moment, backup_id=backup_id("app", moment), tables=tables,
        database=FACTS.model_copy(update={"bytes": size}),
    )  # fmt: skip


def look(*newest_first: Manifest, least_rows: int = MASS_DELETION_ROWS) -> Changes:
    """Compare the first backup with the others."""
    found = changes(newest_first[0], newest_first, least_rows)
    assert found is not None
    return found


def test_a_backup_in_between_does_not_hide_a_loss() -> None:
    """Half a table is reported lost even if a manual backup has already recorded the smaller table."""
    found = look(backup(0, events=500), backup(0.5, events=500), backup(1, events=1000), backup(2, events=990))
    assert (found.largest_loss_table, found.largest_loss_percent, found.largest_loss_rows) == ("events", 50.0, 500)
    assert found.largest_loss_since == backup(1).backup_id
    assert found.since == backup(0.5).backup_id
    assert found.loss_beyond(20) == f"events has 500 fewer rows (50 %) than in {backup(1).backup_id}"
    assert found.loss_beyond(60) is None


def test_small_losses_add_up() -> None:
    """Two losses of 15 % add up to 28 %, and the table with the larger loss is reported."""
    found = look(backup(0, a=722, b=90), backup(1, a=850, b=100), backup(2, a=1000, b=100))
    assert (found.largest_loss_table, found.largest_loss_percent) == ("a", 27.8)


def test_rows_that_return_end_the_loss() -> None:
    """A loss is no longer reported when the rows are back."""
    assert look(backup(0, a=1000), backup(1, a=10), backup(2, a=1000)).largest_loss_percent == 0


@pytest.mark.parametrize(("hours", "percent"), [(24, 50), (25, 0)], ids=["a day ago", "longer ago"])
def test_a_loss_is_reported_for_a_day(hours: float, percent: float) -> None:
    """A loss is reported for 24 hours, and is then taken as intended."""
    assert look(backup(0, a=50), backup(1, a=50), backup(hours, a=100)).largest_loss_percent == percent


def test_the_previous_backup_counts_at_any_age() -> None:
    """A weekly backup is compared with last week's, and backups without a database are skipped."""
    config = backup(1).model_copy(update={"database": None})
    found = look(backup(0, size=1500, a=50), config, backup(168, a=100), backup(169, a=1000))
    assert (found.largest_loss_percent, found.database_change_percent) == (50, 50)


def test_a_few_rows_are_not_a_mass_deletion() -> None:
    """A queue of four rows that was emptied is reported only if the limit is that low."""
    emptied = (backup(0, queue=0), backup(1, queue=4))
    assert look(*emptied).largest_loss_table is None
    assert look(*emptied, least_rows=1).largest_loss_percent == 100


def test_a_dropped_table_lost_all_rows() -> None:
    """A dropped table counts as a loss of 100 %, even if a new table has as many rows."""
    found = look(backup(0, digests={"b": "2" * 64}, b=100), backup(1, digests={"a": "1" * 64}, a=100))
    assert (found.largest_loss_table, found.largest_loss_percent) == ("a", 100)


def test_a_renamed_table_lost_nothing() -> None:
    """A table with identical rows under a new name is not a loss, and later losses in it are reported."""
    same = "1" * 64
    renamed, before = backup(1, digests={"b": same}, b=100), backup(2, digests={"a": same}, a=100)
    assert look(renamed, before).largest_loss_percent == 0
    assert look(backup(0, digests={"b": "2" * 64}, b=101), renamed, before).largest_loss_percent == 0
    lost = look(backup(0, digests={"b": "2" * 64}, b=40), renamed, before)
    assert (lost.largest_loss_table, lost.largest_loss_percent) == ("b", 60)


def test_nothing_to_compare() -> None:
    """The first backup, and a backup of only the configuration, are not compared."""
    assert changes(backup(0, a=1), [backup(0, a=1)], MASS_DELETION_ROWS) is None
    config = backup(0).model_copy(update={"database": None})
    assert changes(config, [config, backup(1, a=1)], MASS_DELETION_ROWS) is None
