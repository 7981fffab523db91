"""The operator's own questions to a restored database."""

from pathlib import Path

import pytest

from sqlitevault.ground.errors import ConfigError, IntegrityCheckFailed
from sqlitevault.ground.settings import Settings
from sqlitevault.proof.own_checks import OwnCheck, ask, parse_own_checks
from tests.databases import make_bank


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A database at rest."""
    return make_bank(tmp_path / "bank.db")


def test_one_check_a_line() -> None:
    """The last arrow separates query and answer; empty lines are skipped."""
    text = "SELECT count(*) > 0 FROM agents => 1\n\n SELECT '=>' =>  => \nSELECT 'a=>b' => a=>b"
    assert parse_own_checks(None) == ()
    assert parse_own_checks(text)[0] == OwnCheck("SELECT count(*) > 0 FROM agents", "1")
    assert len(parse_own_checks(text)) == 3


@pytest.mark.parametrize("text", ["SELECT 1", "=> 1", "SELECT 1 =>", "SELECT 1 => 1\nSELECT 2"])
def test_a_line_without_query_or_answer_is_a_wrong_setting(text: str) -> None:
    """It is refused when the settings are read, before a drill begins."""
    with pytest.raises(ConfigError, match="DRILL_SQL"):
        Settings.from_env({"DRILL_SQL": text})


def test_settings_travel_to_the_functions() -> None:
    """The function reads what the deployment writes, including line breaks."""
    told = Settings.from_env({"DRILL_SQL": "SELECT 1 => 1\n\nSELECT 2 => 2\n"})
    assert Settings.from_env(told.to_environment()) == told


def test_an_answer_is_the_text_of_the_only_value(bank: Path) -> None:
    """The value may be a number or text."""
    assert ask(bank, OwnCheck("SELECT sum(balance) FROM accounts", "5000")).passed
    assert ask(bank, OwnCheck("SELECT name FROM api_keys", "CI")).detail == "ci instead of CI"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM accounts",
        "SELECT 1, 2",
        "DELETE FROM nowhere",
        "SELECT 1; SELECT 2 FROM nowhere",
        "DELETE FROM accounts",
        "ATTACH 'other.db' AS other",
        "not SQL",
    ],
)
def test_what_gives_no_single_value_or_would_change_something_is_refused(bank: Path, query: str) -> None:
    """The error names the query, and the database stays unchanged."""
    before = bank.read_bytes()
    with pytest.raises(ConfigError) as caught:
        ask(bank, OwnCheck(query, "1"))
    assert query in str(caught.value)
    assert bank.read_bytes() == before


@pytest.mark.parametrize("query", ["SELECT count(*) > 0 FROM agents", "SELECT max(missing) FROM accounts;"])
def test_a_right_question_that_finds_its_table_gone_is_an_answer(bank: Path, query: str) -> None:
    """The check has found its accident; the setting is not wrong."""
    with pytest.raises(IntegrityCheckFailed, match="no such "):
        ask(bank, OwnCheck(query, "1"))


def test_an_endless_query_is_ended(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The drill fails with this error instead of running into the function's time limit."""
    monkeypatch.setattr("sqlitevault.proof.own_checks._MOST_SECONDS", 0.1)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(ConfigError, match="time limit"):
        ask(bank, OwnCheck(endless, "1"))
