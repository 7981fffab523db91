"""What becomes of errors that nobody need be called for."""

import pytest

from sqlitevault.functions.telemetry import only_logged
from sqlitevault.ground.errors import VaultUnavailable


def test_an_error_that_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It is in the log with its hint, and what comes after goes on."""
    with only_logged():
        raise VaultUnavailable("the page cannot be written", hint="Look at the rights.")
    (logged,) = caplog.records
    assert (logged.getMessage(), logged.__dict__["hint"]) == ("the page cannot be written", "Look at the rights.")


def test_an_error_of_the_program_escapes() -> None:
    """A fault of ours is no passing trouble of the vault's."""
    with pytest.raises(ZeroDivisionError), only_logged():
        raise ZeroDivisionError
