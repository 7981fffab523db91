"""Fixtures for every kind of test."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def legacy_archive() -> Path:
    """An archive made by the guide's original backup.sh."""
    return Path(__file__).parent / "data" / "devops_hub_backup_20261123_074934.tar.gz"
