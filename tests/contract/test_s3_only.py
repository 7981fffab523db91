"""Tests that need an S3 server: its own checks, Object Lock, killed uploads, credentials."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.seaweed import SeaweedS3
from sqlitevault.ground.errors import VaultUnavailable
from sqlitevault.vault.protocol import Vault
from sqlitevault.vault.s3.vault import S3Vault, open_s3_vault
from tests.contents import MEBIBYTE, make_content
from tests.contract.calls import EVERY, Call, each
from tests.contract.conftest import ON_SEAWEED
from tests.contract.stores import LOCK_DAYS, LOCKED, PLAIN, Store, bucket_store
from tests.killed_upload import kill_while_uploading

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = [ON_SEAWEED, pytest.mark.usefixtures("seaweed")]
PUT, PARTS = 5 * MEBIBYTE, 17 * MEBIBYTE
sized = pytest.mark.parametrize("size", [PUT, PARTS], ids=["put", "parts"])


@pytest.fixture
def plain(session: boto3.Session, seaweed_client: "S3Client") -> Store:
    """An empty vault in a bucket without versions."""
    return bucket_store(session, seaweed_client, PLAIN)


@pytest.fixture
def locked(session: boto3.Session, seaweed_client: "S3Client") -> Store:
    """An empty vault in a bucket with Object Lock."""
    return bucket_store(session, seaweed_client, LOCKED)


def wrong_checksum() -> str:
    """The SHA-256 of other content, as S3 writes it."""
    return base64.b64encode(hashlib.sha256(b"something else").digest()).decode()


def test_the_server_itself_refuses_a_wrong_checksum(seaweed_client: "S3Client") -> None:
    """S3 rejects a put whose SHA-256 does not match its body; the vault relies on this check."""
    with pytest.raises(ClientError, match="BadDigest"):
        seaweed_client.put_object(Bucket=PLAIN, Key="wrong", Body=b"content", ChecksumSHA256=wrong_checksum())
    with pytest.raises(ClientError, match="NoSuchKey"):
        seaweed_client.get_object(Bucket=PLAIN, Key="wrong")


def test_the_server_itself_refuses_a_part_with_a_wrong_checksum(seaweed_client: "S3Client") -> None:
    """S3 rejects a part whose SHA-256 does not match its body, and the part is not listed."""
    target: Any = {"Bucket": PLAIN, "Key": "wrong-part"}
    upload = seaweed_client.create_multipart_upload(**target, ChecksumAlgorithm="SHA256")["UploadId"]
    try:
        with pytest.raises(ClientError, match="BadDigest"):
            seaweed_client.upload_part(
                **target, UploadId=upload, PartNumber=1, Body=b"content", ChecksumSHA256=wrong_checksum()
            )
        assert "Parts" not in seaweed_client.list_parts(**target, UploadId=upload)
    finally:
        seaweed_client.abort_multipart_upload(**target, UploadId=upload)


@sized
def test_a_locked_version_cannot_be_deleted(
    seaweed_client: "S3Client", locked: Store, tmp_path: Path, size: int
) -> None:
    """A put and a multipart upload both get the bucket's retention at once and survive deletion."""
    content = make_content(tmp_path, size)
    stored = locked.vault.upload("a", content.path, sha256=content.sha256)
    version: Any = {"Bucket": LOCKED, "Key": key_of(locked, "a"), "VersionId": str(stored.version)}
    retention = seaweed_client.get_object_retention(**version)["Retention"]
    assert retention["Mode"] == "GOVERNANCE"
    assert abs(retention["RetainUntilDate"] - datetime.now(UTC) - timedelta(days=LOCK_DAYS)) < timedelta(minutes=5)
    with pytest.raises(ClientError, match="AccessDenied"):
        seaweed_client.delete_object(**version)
    locked.vault.delete("a")
    locked.vault.replace("a", b"newer")
    assert locked.vault.read("a", limit=size, version=stored.version) == content.data


def test_a_killed_upload_is_swept(plain: Store, locked: Store, tmp_path: Path) -> None:
    """A process killed between two parts stores no object, and its unfinished upload is aborted when old enough."""
    content = make_content(tmp_path, PARTS)
    for store in (plain, locked):
        store.vault.replace("a", b"older")
        kill_while_uploading(store.location, "a", content)
        assert [(found.name, found.bytes) for found in store.vault.objects()] == [("a", 5)]
        assert [store.vault.sweep(age) for age in (3600, 0, 0)] == [0, 1, 0]
        assert store.vault.read("a", limit=5) == b"older"


def test_a_sweep_ignores_other_prefixes(session: boto3.Session, seaweed_client: "S3Client", plain: Store) -> None:
    """A sweep does not abort unfinished uploads of other prefixes, because they may still be running."""
    neighbour = bucket_store(session, seaweed_client, PLAIN)
    neighbour.leave_unfinished("a")
    assert plain.vault.sweep(0) == 0
    assert neighbour.vault.sweep(0) == 1


def test_a_prefix_ends_at_its_slash(session: boto3.Session, plain: Store) -> None:
    """A location means the same with and without a trailing slash, and excludes longer prefixes that begin with it."""
    bare = open_s3_vault(plain.location.rstrip("/"), session=session)
    neighbour = open_s3_vault(plain.location.rstrip("/") + "-2/", session=session)
    neighbour.replace("a", b"!")
    assert list(bare.objects()) == []
    plain.vault.replace("b", b"!")
    assert [found.name for found in bare.objects()] == ["b"]
    assert bare.location == plain.location


def test_a_bucket_is_a_vault_without_prefix(seaweed_client: "S3Client", session: boto3.Session) -> None:
    """A vault can be a whole bucket."""
    seaweed_client.create_bucket(Bucket="whole-bucket")
    vault = open_s3_vault("s3://whole-bucket", session=session)
    vault.create("a/b", b"!")
    assert [(found.name, vault.read(found.name, limit=1)) for found in vault.objects()] == [("a/b", b"!")]
    assert vault.location == "s3://whole-bucket/"


@each(EVERY)
def test_wrong_credentials_are_named(seaweed: SeaweedS3, plain: Store, tmp_path: Path, call: Call) -> None:
    """Every method names the wrong secret in its hint, even where S3 answers a HEAD request without a body."""
    plain.vault.replace("a", b"!")
    refused = open_s3_vault(plain.location, session=seaweed.session(secret="wrong"))  # noqa: S106
    with pytest.raises(VaultUnavailable) as caught:
        call(refused, "a", tmp_path)
    assert "AWS_SECRET_ACCESS_KEY" in caught.value.hint
    assert [(found.name, found.bytes) for found in plain.vault.objects()] == [("a", 1)]
    assert not (tmp_path / "back").exists()


def test_a_download_fails_if_its_object_is_replaced(plain: Store, tmp_path: Path) -> None:
    """Without versions, a replaced object raises an error that can be retried, and never yields a mixture."""
    content = make_content(tmp_path, PUT)
    plain.vault.upload("a", content.path, sha256=content.sha256)
    with pytest.raises(VaultUnavailable, match="PreconditionFailed") as caught:
        replaced_before_the_first_byte(plain.vault).download("a", tmp_path / "back")
    assert "replaced" in caught.value.hint
    assert not (tmp_path / "back").exists()


def test_a_download_keeps_to_its_version(locked: Store, tmp_path: Path) -> None:
    """With versions, the version that was newest at the start is downloaded to the end."""
    content = make_content(tmp_path, PARTS)
    locked.vault.upload("a", content.path, sha256=content.sha256)
    assert replaced_before_the_first_byte(locked.vault).download("a", tmp_path / "back") == content.sha256
    assert locked.vault.read("a", limit=5) == b"newer"


def replaced_before_the_first_byte(vault: Vault) -> Vault:
    """Replace "a" once, after its download has begun and before its first range is requested."""
    assert isinstance(vault, S3Vault)
    pending = [b"newer"]

    def replace(**_: object) -> None:
        if pending:
            vault.replace("a", pending.pop())

    vault._client.meta.events.register_first("before-send.s3.GetObject", replace)
    return vault


def key_of(store: Store, name: str) -> str:
    """The object's key in its bucket."""
    return store.location.split("/", 3)[3] + name
