"""A fresh clone, shared by the tests of one session."""

from pathlib import Path

import pytest

from tests.console import ROOT
from tests.install.commands import run


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone of the present commit."""
    folder = tmp_path_factory.mktemp("install") / "clone"
    run("git", "clone", "--quiet", "--no-local", "--depth=1", ROOT.as_uri(), folder, folder=ROOT)
    return folder
