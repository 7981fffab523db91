"""Tests of contradictory events of the restore function: each is refused before anything happens."""

import pytest

from sqlitevault.functions.events import RestoreEvent
from sqlitevault.ground.errors import ConfigError

TIME = "2026-01-31T14:30:00Z"


@pytest.mark.parametrize(
    ("event", "message"),
    [
        pytest.param({"action": "plan", "at": TIME, "before_incident": TIME}, "not both", id="two times"),
        pytest.param({"action": "promote", "before_incident": TIME}, "promote takes no time", id="promote at a time"),
        pytest.param({"action": "undo", "at": TIME}, "undo takes no time", id="undo at a time"),
        pytest.param({"action": "undo", "table": "events"}, "table goes with", id="undo of a table"),
        pytest.param({"action": "stage", "table": "events", "scope": "config"}, "table goes with", id="config table"),
        pytest.param(
            {"action": "promote", "missing_only": True}, "missing_only goes with", id="missing_only without a table"
        ),
        pytest.param({"action": "plan", "table": ""}, "table", id="no name"),
        pytest.param({"action": "plan", "table": 7}, "table", id="not text"),
    ],
)
def test_a_contradictory_event_is_refused(event: dict[str, object], message: str) -> None:
    """The error names the fields that do not go together."""
    with pytest.raises(ConfigError, match=message):
        RestoreEvent.parse(event)


@pytest.mark.parametrize("table", ["events", ["events"]], ids=["a name", "a list"])
def test_one_table_may_be_a_name_or_a_list(table: object) -> None:
    """A single table can be given as a name or as a list."""
    assert RestoreEvent.parse({"action": "plan", "table": table}).table == ("events",)
