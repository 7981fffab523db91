"""Buckets that are missing, closed or unreachable: code 13, a hint, and no local change."""

import socket

import pytest

from tests.cli.false_s3 import REFUSALS, access, false_s3
from tests.cli.home import Home, tree

NOT_FOUND, UNAVAILABLE = 10, 13
_VAULT = "s3://some-bucket/backups/"
_COMMANDS = {
    "backup": ("backup", "--to", _VAULT),
    "restore": ("restore", "--from-s3", f"{_VAULT}latest.tar.gz", "--yes"),
}
_ADVICE = {
    "AccessDenied": "The credentials do not allow this",
    "InvalidAccessKeyId": "check AWS_PROFILE and AWS_ACCESS_KEY_ID",
    "ExpiredToken": "sign in again",
    "RequestTimeTooSkewed": "This machine's clock is wrong",
}


@pytest.mark.parametrize(
    ("verb", "code"), [("backup", "AccessDenied"), *(("restore", code) for code in REFUSALS)], ids=lambda text: text
)
def test_s3_refuses(new_home: Home, verb: str, code: str) -> None:
    """When S3 refuses a request, the error names S3's code and the remedy."""
    before = tree(new_home.root)
    with false_s3(code) as settings:
        done = new_home.run(*_COMMANDS[verb], **settings)
    done.require(UNAVAILABLE, f"VaultUnavailable: {_VAULT} refused ", code, _ADVICE[code])
    assert tree(new_home.root) == before
    assert not new_home.scratch.exists() or list(new_home.scratch.iterdir()) == []


@pytest.mark.parametrize("verb", _COMMANDS)
def test_the_connection_is_lost(new_home: Home, verb: str) -> None:
    """A server that closes every connection is reported as unreachable."""
    before = tree(new_home.root)
    with false_s3(None) as settings:
        done = new_home.run(*_COMMANDS[verb], **settings)
    done.require(UNAVAILABLE, f"VaultUnavailable: {_VAULT} cannot be reached: ", "Check the network")
    assert tree(new_home.root) == before


def test_no_server_answers(new_home: Home) -> None:
    """When nothing listens on the port, the error names the endpoint."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        done = new_home.run("list", "--from", _VAULT, **access(port))
    done.require(UNAVAILABLE, f'cannot be reached: Could not connect to the endpoint URL: "http://127.0.0.1:{port}/')


def test_no_credentials(new_home: Home) -> None:
    """Without credentials, the hint explains where to set them."""
    settings = {name: value for name, value in access(9).items() if "KEY" not in name}
    done = new_home.run("list", "--from", _VAULT, AWS_SHARED_CREDENTIALS_FILE="/dev/null", **settings)
    done.require(UNAVAILABLE, "There are no credentials: set AWS_PROFILE")


@pytest.mark.xdist_group("aws")
def test_a_missing_bucket(cloud_home: Home) -> None:
    """Backup, list and restore name the missing bucket; a missing object in an existing bucket is "not found"."""
    before = tree(cloud_home.root)
    for arguments in (*_COMMANDS.values(), ("list", "--from", _VAULT)):
        cloud_home.run(*arguments).require(UNAVAILABLE, f"{_VAULT} refused ", "NoSuchBucket", "Check the bucket's name")
    there = f"s3://{cloud_home.settings['BUCKET']}/x/"
    missing = f"{there}devops_hub_backup_20260101_000000.tar.gz"
    cloud_home.run("restore", "--from-s3", missing).require(NOT_FOUND, "BackupNotFound: there is no devops_hub_backup_")
    cloud_home.run("restore", "--from-s3", f"{there}latest.tar.gz").require(NOT_FOUND, "no good backup in s3://")
    assert tree(cloud_home.root) == before
