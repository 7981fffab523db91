"""Folders to run commands in, and an S3 to run them against."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from localaws import EmbeddedAws
from tests.cli.home import Home, copy_home, make_home
from tests.databases import execute

REGION = "us-east-1"


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A folder with backups of three hours ago (500 entries) and one hour ago (400 entries)."""
    made = make_home(tmp_path_factory.mktemp("pattern"))
    made.back_up(timedelta(hours=3))
    execute(made.database, "DELETE FROM ledger WHERE id > 400")
    made.back_up(timedelta(hours=1))
    execute(made.database, "DELETE FROM ledger WHERE id > 300")
    return made


@pytest.fixture
def home(pattern: Home, tmp_path: Path) -> Home:
    """A copy of that folder; its live database has 300 entries."""
    return copy_home(pattern, tmp_path / "home")


@pytest.fixture
def new_home(tmp_path: Path) -> Home:
    """A folder without a backup."""
    return make_home(tmp_path / "home")


@pytest.fixture
def bucket(aws: EmbeddedAws) -> str:
    """A new bucket."""
    name = f"test-{uuid.uuid4().hex}"
    aws.client("s3", REGION).create_bucket(Bucket=name)
    return name


@pytest.fixture
def cloud_home(new_home: Home, aws: EmbeddedAws, bucket: str) -> Home:
    """A folder without a backup, whose commands reach the embedded AWS."""
    access = {name: value for name, value in aws.environment(REGION).items() if name.startswith("AWS_")}
    return Home(new_home.root, {**access, "BUCKET": bucket})
