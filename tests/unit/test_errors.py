"""Tests of the error tree: codes, hints and exit codes."""

import pickle

import pytest

from sqlitevault.cli.exit_codes import EXIT_CODES, UNEXPECTED, exit_code
from sqlitevault.ground import errors
from sqlitevault.ground.errors import SqliteVaultError


def kinds() -> list[type[SqliteVaultError]]:
    """Return every error class of the module."""
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SqliteVaultError)]


@pytest.mark.parametrize("kind", kinds())
def test_every_error_has_a_code_and_an_exit_code(kind: type[SqliteVaultError]) -> None:
    """Every error has its class name as code and an exit code of its own or of a parent."""
    error = kind("what happened", hint="what to do")
    assert error.code == kind.__name__
    assert str(error) == "what happened"
    assert exit_code(error) != UNEXPECTED or kind is SqliteVaultError


def test_only_transient_errors_are_retryable() -> None:
    """Only errors that may go away by themselves are retryable."""
    retryable = {kind.__name__ for kind in kinds() if kind.retryable}
    assert retryable == {"SourceBusy", "VaultUnavailable", "ScratchFull"}


def test_a_subclass_has_its_parents_exit_code() -> None:
    """NewerFormat has the exit code of ManifestInvalid."""
    assert exit_code(errors.NewerFormat("newer", hint="update")) == EXIT_CODES[errors.ManifestInvalid]


def test_errors_survive_pickling() -> None:
    """A pickled error keeps its message and hint, as worker processes need."""
    error = pickle.loads(pickle.dumps(errors.SourceBusy("busy", hint="wait")))  # noqa: S301
    assert (type(error), str(error), error.hint) == (errors.SourceBusy, "busy", "wait")


def test_the_docstring_names_every_error() -> None:
    """The tree in the module's docstring names every error."""
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in kinds() if kind.__name__ not in drawn] == []
