"""Fixtures for tests of the functions."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from sqlitevault.functions.telemetry import logger
from sqlitevault.site import site_of
from tests.databases import make_bank
from tests.function_calls import REPLICA, VAULT, Home


@pytest.fixture
def functions_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Home]:
    """A function's environment around a small database and two versioned buckets."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    variables = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATABASE_PATH": str(tmp_path / "mount" / "data" / "devops_hub.db"),
        "CONFIG_ROOT": str(tmp_path / "mount"),
        "BACKUP_DIR": f"s3://{VAULT}/backups/",
        "REPLICA_URI": f"s3://{REPLICA}/backups/",
        "SCRATCH_DIR": str(tmp_path / "scratch"),
        "POWERTOOLS_SERVICE_NAME": tmp_path.name,  # a logger keeps writing to the stream of the test that created it
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    site_of.cache_clear()
    logger.cache_clear()  # as in a new process
    with mock_aws():
        s3 = boto3.client("s3")
        for bucket in (VAULT, REPLICA):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        database = make_bank(tmp_path / "mount" / "data" / "devops_hub.db")
        (tmp_path / "mount" / "docker-compose.yml").write_text("services:\n  app:\n    image: devops-hub:1\n")
        yield Home(tmp_path / "mount", database, s3, lambda: capsys.readouterr().out)
    site_of.cache_clear()
