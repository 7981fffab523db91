"""Fixtures for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws import EmbeddedAws
from tests.boto_files import read_once

read_once()


@pytest.fixture(scope="session")
def legacy_archive() -> Path:
    """An archive made by the guide's original backup.sh."""
    return Path(__file__).parent / "data" / "devops_hub_backup_20261123_074934.tar.gz"


@pytest.fixture(scope="session")
def aws() -> Iterator[EmbeddedAws]:
    """An embedded AWS without a deployment, one for all tests of a worker; each makes buckets of its own."""
    with EmbeddedAws() as started:
        yield started


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fail if xdist groups were lost, because each worker would then make its own deployment."""
    if not session.config.getoption("loadgroup", default=False):
        return
    for item in session.items:
        if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
            raise RuntimeError(f"{item.nodeid} has lost its group: do this pytest and this pytest-xdist agree?")
