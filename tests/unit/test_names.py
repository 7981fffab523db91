"""Tests of names in a vault."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sqlitevault.catalog.names import backup_id, created_at, database_name
from sqlitevault.ground.errors import ConfigError

WHEN = datetime(2026, 1, 31, 2, 0, 0, tzinfo=UTC)


def test_an_id_contains_database_and_time() -> None:
    """An id contains the time in UTC and is parsed back, even if the name contains underscores."""
    east = WHEN.astimezone(timezone(timedelta(hours=5)))
    made = backup_id("devops_hub_backup_old", east)
    assert made == "devops_hub_backup_old_backup_20260131_020000"
    assert (database_name(made), created_at(made)) == ("devops_hub_backup_old", WHEN)


@pytest.mark.parametrize("name", ["", "a/b", "../x", "ä", "a b", "-x", "x" * 101])
def test_a_name_that_is_not_a_file_name_is_refused(name: str) -> None:
    """Names that would leave the vault's folder or break a key are refused."""
    with pytest.raises(ConfigError):
        backup_id(name, WHEN)
