"""The Scheduler simulation: the choice of a schedule, and its input."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from localaws.scheduler import ScheduleError, choose, fill_in


def schedule(name: str, state: str = "ENABLED") -> dict[str, Any]:
    """Return the parts of a schedule that the choice needs."""
    return {"Name": name, "State": state}


SCHEDULES = [schedule("stack-Hourly1A"), schedule("stack-Daily2B"), schedule("stack-DailyDrill", "DISABLED")]


def test_context_attributes_are_filled_in() -> None:
    """Every occurrence of a context attribute is replaced, and nothing else."""
    text = (
        '{"at": "<aws.scheduler.scheduled-time>", "again": "<aws.scheduler.scheduled-time>", '
        '"n": <aws.scheduler.attempt-number>, "by": "<aws.scheduler.schedule-arn>/<aws.scheduler.execution-id>", '
        '"x": "<other>"}'
    )
    at = datetime(2026, 1, 31, 3, 0, tzinfo=timezone(timedelta(hours=1)))
    filled = fill_in(text, at=at, schedule_arn="arn:s", execution="e1", attempt=2)
    assert filled == (
        '{"at": "2026-01-31T02:00:00Z", "again": "2026-01-31T02:00:00Z", "n": 2, "by": "arn:s/e1", "x": "<other>"}'
    )


@pytest.mark.parametrize("name", ["stack-Hourly1A", "hourly", "1A"])
def test_a_schedule_is_found_by_its_name_or_a_part_of_it(name: str) -> None:
    """A schedule is found by its name or a part of it, because deployed names contain a hash."""
    assert choose(SCHEDULES, name)["Name"] == "stack-Hourly1A"


@pytest.mark.parametrize("name", ["weekly", "daily", "drill"])
def test_none_several_or_a_disabled_one_is_an_error(name: str) -> None:
    """No matching schedule, several, or a disabled one is an error."""
    with pytest.raises(ScheduleError):
        choose(SCHEDULES, name)


def test_an_exact_name_wins_over_a_part_of_another() -> None:
    """`daily` is one schedule even if `daily-drill` is another."""
    assert choose([schedule("daily"), schedule("daily-drill")], "daily")["Name"] == "daily"


def test_the_time_is_given_in_utc() -> None:
    """The scheduled time, which is the idempotency key, is written in UTC for any time zone."""
    utc = fill_in("<aws.scheduler.scheduled-time>", at=datetime(2026, 6, 1, tzinfo=UTC), schedule_arn="", execution="")
    assert utc == "2026-06-01T00:00:00Z"
