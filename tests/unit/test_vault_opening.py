"""Tests of opening a vault by its location."""

import subprocess
import sys
from pathlib import Path

import pytest

from sqlitevault.ground.errors import ConfigError
from sqlitevault.vault.opening import open_vault, split_backup_location

_LIST = """
import sys
from sqlitevault.cli import main
try:
    main(["list", "--from", sys.argv[1]])
finally:
    print("boto3" in sys.modules)
"""


def test_a_command_on_a_directory_does_not_load_boto3(tmp_path: Path) -> None:
    """`list` of a directory vault does not import boto3, which would take longer than the command itself."""
    done = subprocess.run([sys.executable, "-c", _LIST, str(tmp_path)], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("location", ["", " ", "ftp://x/y", "S3://bucket/x", "s3://", "s3:///x", "s3://Bucket/x"])
def test_an_invalid_location_is_refused(location: str) -> None:
    """The hint shows the form of a location."""
    with pytest.raises(ConfigError) as caught:
        open_vault(location)
    assert "s3://bucket/prefix/" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "vault", "name"),
    [
        ("s3://b/p/x.tar.gz", "s3://b/p/", "x.tar.gz"),
        ("s3://b/x.tar.gz", "s3://b/", "x.tar.gz"),
        ("backups/x.tar.gz", "backups/", "x.tar.gz"),
        ("x.tar.gz", ".", "x.tar.gz"),
    ],
)
def test_an_archive_is_named_by_its_path_or_uri(text: str, vault: str, name: str) -> None:
    """The last part of the path or URI is the object, and the rest is its vault."""
    assert split_backup_location(text) == (vault, name)


@pytest.mark.parametrize("text", ["s3://b/p/", "s3://bucket", "folder/"])
def test_a_location_without_an_archive_is_refused(text: str) -> None:
    """A location of a vault is refused where one of an archive is needed."""
    with pytest.raises(ConfigError):
        split_backup_location(text)
