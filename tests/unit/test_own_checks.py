"""Tests of the operator's own checks of a restored database."""

from pathlib import Path

import pytest

from sqlitevault.ground.errors import ConfigError, IntegrityCheckFailed
from sqlitevault.ground.settings import Settings
from sqlitevault.proof.own_checks import OwnCheck, ask, parse_own_checks
from tests.databases import make_bank


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A closed database."""
    return make_bank(tmp_path / "bank.db")


def test_one_check_per_line() -> None:
    """In each line the last arrow separates query and answer; empty lines are skipped."""
    text = "SELECT count(*) > 0 FROM agents => 1\n\n SELECT '=>' =>  => \nSELECT 'a=>b' => a=>b"
    assert parse_own_checks(None) == ()
    assert parse_own_checks(text)[0] == OwnCheck("SELECT count(*) > 0 FROM agents", "1")
    assert len(parse_own_checks(text)) == 3


@pytest.mark.parametrize("text", ["SELECT 1", "=> 1", "SELECT 1 =>", "SELECT 1 => 1\nSELECT 2"])
def test_a_line_without_query_or_answer_is_a_wrong_setting(text: str) -> None:
    """A line without a query or an answer is refused when the settings are read, before a drill."""
    with pytest.raises(ConfigError, match="DRILL_SQL"):
        Settings.from_env({"DRILL_SQL": text})


def test_checks_reach_the_functions() -> None:
    """The function reads the checks that the deployment wrote, including line breaks."""
    written = Settings.from_env({"DRILL_SQL": "SELECT 1 => 1\n\nSELECT 2 => 2\n"})
    assert Settings.from_env(written.to_environment()) == written


def test_the_answer_is_the_text_of_a_single_value(bank: Path) -> None:
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
def test_only_read_only_queries_of_one_value_are_accepted(bank: Path, query: str) -> None:
    """For any other query the error names it, and the database does not change."""
    before = bank.read_bytes()
    with pytest.raises(ConfigError) as caught:
        ask(bank, OwnCheck(query, "1"))
    assert query in str(caught.value)
    assert bank.read_bytes() == before


@pytest.mark.parametrize("query", ["SELECT count(*) > 0 FROM agents", "SELECT max(missing) FROM accounts;"])
def test_a_missing_table_or_column_fails_the_check(bank: Path, query: str) -> None:
    """A valid query whose table or column is gone fails the check; it is not a wrong setting."""
    with pytest.raises(IntegrityCheckFailed, match="no such "):
        ask(bank, OwnCheck(query, "1"))


def test_an_endless_query_is_ended(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless query fails the drill before the function's time limit."""
    monkeypatch.setattr("sqlitevault.proof.own_checks._MOST_SECONDS", 0.1)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(ConfigError, match="time limit"):
        ask(bank, OwnCheck(endless, "1"))
