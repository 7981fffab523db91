"""Tests of the functions' log lines: errors that are only logged, and reports without secrets or long lists."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sqlitevault.backup.backup import Order, back_up
from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.selection import Choice, select
from sqlitevault.functions.telemetry import log_report, only_logged
from sqlitevault.ground.errors import VaultUnavailable
from sqlitevault.restore.plan import plan
from tests.databases import make_bank
from tests.sites import make_site


def test_an_error_that_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The error is logged with its hint, and the function continues."""
    with only_logged():
        raise VaultUnavailable("the page cannot be written", hint="Look at the rights.")
    (logged,) = caplog.records
    assert (logged.getMessage(), logged.__dict__["hint"]) == ("the page cannot be written", "Look at the rights.")


def test_an_unexpected_error_is_not_caught() -> None:
    """Any exception other than a SqliteVaultError is not caught."""
    with pytest.raises(ZeroDivisionError), only_logged():
        raise ZeroDivisionError


def test_a_plan_is_logged_without_the_content_of_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The answer contains the difference between files, but the log does not: a live file may contain a secret."""
    database = make_bank(tmp_path / "data" / "bank.db", rows=5)
    compose = tmp_path / "docker-compose.yml"
    compose.write_text("services: {}\n")
    site = make_site(database, str(tmp_path / "vault"), scratch=tmp_path / "scratch")
    back_up(site, Order(Scope.CONFIG, created_at=datetime(2026, 3, 1, tzinfo=UTC)))
    compose.write_text("services: {app: {environment: {TOKEN: very-secret}}}\n")
    caplog.set_level("INFO")
    answer = log_report(plan(site, select(site.vault, Choice(scope=Scope.CONFIG)), scope=Scope.CONFIG))
    logged = caplog.records[-1].__dict__["report"]
    assert "very-secret" in str(answer["files"])
    assert [change["action"] for change in logged["files"]] == ["replace"]
    assert "very-secret" not in str(logged)
    assert logged.keys() == answer.keys()


def test_a_long_list_is_logged_in_part(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Long lists are shortened in the log, where CloudWatch allows 256 KB per line, but not in the answer."""
    site = make_site(make_bank(tmp_path / "data" / "bank.db", rows=5), str(tmp_path / "vault"))
    report = back_up(site).model_copy(update={"warnings": tuple(map(str, range(70)))})
    caplog.set_level("INFO")
    assert len(log_report(report)["warnings"]) == 70
    logged = caplog.records[-1].__dict__["report"]
    assert logged["warnings"][49:] == ["49", "and 20 more"]
    assert "manifest" not in logged
