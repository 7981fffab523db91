"""The error tree: codes, hints, exit codes."""

import pickle

import pytest

from sqlitevault.cli.exit_codes import EXIT_CODES, UNEXPECTED, exit_code
from sqlitevault.ground import errors
from sqlitevault.ground.errors import SqliteVaultError


def kinds() -> list[type[SqliteVaultError]]:
    """Return every error that the module defines."""
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SqliteVaultError)]


@pytest.mark.parametrize("kind", kinds())
def test_every_error_has_a_code_and_an_exit_code(kind: type[SqliteVaultError]) -> None:
    """A new error without an exit code would end as «unexpected»."""
    error = kind("what happened", hint="what to do")
    assert error.code == kind.__name__
    assert str(error) == "what happened"
    assert exit_code(error) != UNEXPECTED or kind is SqliteVaultError


def test_only_what_may_pass_is_retryable() -> None:
    """Retrying damage or a mistake helps nobody."""
    retryable = {kind.__name__ for kind in kinds() if kind.retryable}
    assert retryable == {"SourceBusy", "VaultUnavailable", "ScratchFull"}


def test_a_subclass_takes_its_parents_exit_code() -> None:
    """A newer format is a manifest that is not valid."""
    assert exit_code(errors.NewerFormat("newer", hint="update")) == EXIT_CODES[errors.ManifestInvalid]


def test_errors_survive_pickling() -> None:
    """Worker processes hand errors over with their hint."""
    error = pickle.loads(pickle.dumps(errors.SourceBusy("busy", hint="wait")))  # noqa: S301
    assert (type(error), str(error), error.hint) == (errors.SourceBusy, "busy", "wait")


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """The drawing names every error."""
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in kinds() if kind.__name__ not in drawn] == []
