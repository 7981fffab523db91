"""A vault in S3."""

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from sqlitevault.ground.errors import BackupExists, ConfigError, ManifestInvalid
from sqlitevault.ground.steps import OnBytes, ignore_bytes
from sqlitevault.vault.objects import require_name, too_long
from sqlitevault.vault.protocol import Capabilities, Protection, StoredObject
from sqlitevault.vault.s3.errors import code_of, errors_named
from sqlitevault.vault.s3.transfer import Address, download_file, put, upload_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Without a route to S3 (a missing gateway endpoint) a call must fail in seconds, not hang until the function ends.
_CLIENT = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=16,
    request_checksum_calculation="when_supported",
    response_checksum_validation="when_supported",
)

_NOT_SET = {"ObjectLockConfigurationNotFoundError", "NoSuchLifecycleConfiguration"}
_Setting = TypeVar("_Setting")


def split_uri(location: str) -> tuple[str, str]:
    """Return bucket and prefix of `s3://bucket/prefix/`; the prefix is empty or ends with a slash.

    Raises:
        ConfigError: it has no valid bucket name.
    """
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ConfigError(f"{location!r} has no valid bucket name", hint="Give s3://bucket/prefix/.")
    prefix = prefix.strip("/")
    return bucket, f"{prefix}/" if prefix else ""


def open_s3_vault(location: str, *, session: boto3.Session | None = None) -> "S3Vault":
    """Return the vault at `s3://bucket/prefix/`.

    Raises:
        ConfigError: the location has no valid bucket name, or AWS_ENDPOINT_URL is not a URL.
        VaultUnavailable: the environment names a profile or a region that does not exist.
    """
    bucket, prefix = split_uri(location)
    try:
        with errors_named(location):
            client = (session or boto3.Session()).client("s3", config=_CLIENT)
    except ValueError as error:
        raise ConfigError(f"{location} cannot be reached: {error}", hint="Correct AWS_ENDPOINT_URL.") from error
    return S3Vault(client, bucket, prefix)


class S3Vault:
    """Keeps the promises of `Vault` below a prefix of a bucket."""

    capabilities = Capabilities(expires_by_itself=True, has_versions=True, replicates=True, deployed=True)

    def __init__(self, client: "S3Client", bucket: str, prefix: str) -> None:
        """Use `client`; `prefix` is empty or ends with a slash."""
        self._client, self._bucket, self._prefix = client, bucket, prefix

    @property
    def location(self) -> str:
        """The vault's URI."""
        return f"s3://{self._bucket}/{self._prefix}"

    def upload(self, name: str, source: Path, *, sha256: str, on_bytes: OnBytes = ignore_bytes) -> StoredObject:
        """Upload with checksums that S3 compares."""
        with errors_named(self.location, name):
            upload_file(self._client, self._address(name), source, sha256, on_bytes)
        return self._stored(name)

    def create(self, name: str, content: bytes) -> StoredObject:
        """Put with `If-None-Match: *`. A retry that finds the object of its own first try has succeeded."""
        try:
            with errors_named(self.location, name):
                put(self._client, self._address(name) | {"IfNoneMatch": "*"}, content)
        except BackupExists:
            with suppress(ManifestInvalid):  # longer
                if self.read(name, limit=len(content)) == content:
                    return self._stored(name)
            raise
        return self._stored(name)

    def replace(self, name: str, content: bytes) -> StoredObject:
        """Put; a versioned bucket keeps the older version."""
        with errors_named(self.location, name):
            put(self._client, self._address(name), content)
        return self._stored(name)

    def objects(self, under: str = "") -> Iterator[StoredObject]:
        """List page by page."""
        with errors_named(self.location):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + under
            )
            for page in pages:
                for entry in page.get("Contents", []):
                    name = entry["Key"].removeprefix(self._prefix)
                    yield StoredObject(name, entry["Size"], entry["LastModified"], tag=entry["ETag"])

    def read(self, name: str, *, limit: int, version: str | None = None) -> bytes:
        """Get the object unless it is too long."""
        with errors_named(self.location, name):
            found = self._client.get_object(**self._address(name, version))
            if found["ContentLength"] <= limit:
                return found["Body"].read()
            found["Body"].close()
        raise too_long(name, limit)

    def download(self, name: str, target: Path, *, version: str | None = None, on_bytes: OnBytes = ignore_bytes) -> str:
        """Get one version in parallel ranges."""
        with errors_named(self.location, name):
            head = self._head(name, version)
            wanted = self._address(name, head.get("VersionId", version)) | {"IfMatch": head["ETag"]}
            return download_file(self._client, wanted, head["ContentLength"], target, on_bytes)

    def delete(self, name: str) -> None:
        """Delete; a versioned bucket keeps the older versions."""
        with errors_named(self.location, name):
            self._client.delete_object(**self._address(name))

    def versions(self, name: str) -> Iterator[StoredObject]:
        """List the versions of exactly this key, newest first as S3 does."""
        key = self._key(name)
        with errors_named(self.location, name):
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key)
            for entry in itertools.chain.from_iterable(page.get("Versions", []) for page in pages):
                if entry["Key"] == key:
                    yield StoredObject(name, entry["Size"], entry["LastModified"], entry["VersionId"])

    def replication_status(self, name: str) -> str | None:
        """Return the object's own status (x-amz-replication-status)."""
        with errors_named(self.location, name):
            status = self._head(name).get("ReplicationStatus")
        return "COMPLETED" if status == "COMPLETE" else status

    def protection(self) -> Protection:
        """Read the bucket's versioning, lock and lifecycle."""
        client, bucket = self._client, self._bucket
        with errors_named(self.location):
            lock = _if_set(lambda: client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"])
            rules = _if_set(lambda: client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"])
            versioning = client.get_bucket_versioning(Bucket=bucket).get("Status")
        retention = (lock or {}).get("Rule", {}).get("DefaultRetention", {})
        expiry = (
            (rule.get("Filter", {}).get("Prefix", rule.get("Prefix", "")), rule["Expiration"]["Days"])
            for rule in rules or ()
            if rule["Status"] == "Enabled" and "Days" in rule.get("Expiration", {})
        )
        return Protection(
            versioned=versioning == "Enabled",
            lock_mode=retention.get("Mode"),
            lock_days=retention.get("Days"),
            expiry_days=tuple(sorted(expiry)),
        )

    def sweep(self, older_than_seconds: float) -> int:
        """Abort old multipart uploads below the prefix."""
        limit = datetime.now(UTC) - timedelta(seconds=older_than_seconds)
        with errors_named(self.location):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            uploads = [entry for page in pages for entry in page.get("Uploads", []) if entry["Initiated"] <= limit]
            for entry in uploads:
                with suppress(self._client.exceptions.NoSuchUpload):  # completed or aborted since
                    self._client.abort_multipart_upload(
                        Bucket=self._bucket, Key=entry["Key"], UploadId=entry["UploadId"]
                    )
        return len(uploads)

    def _stored(self, name: str) -> StoredObject:
        with errors_named(self.location, name):
            head = self._head(name)
        return StoredObject(name, head["ContentLength"], head["LastModified"], head.get("VersionId"))

    def _head(self, name: str, version: str | None = None) -> "HeadObjectOutputTypeDef":
        address = self._address(name, version)
        try:
            return self._client.head_object(**address)
        except ClientError:
            # The answer to HEAD has no body, so a missing bucket looks like a missing object; GET names the error.
            self._client.get_object(**address)["Body"].close()
            raise

    def _key(self, name: str) -> str:
        return self._prefix + require_name(name)

    def _address(self, name: str, version: str | None = None) -> Address:
        return {"Bucket": self._bucket, "Key": self._key(name)} | ({"VersionId": version} if version else {})


def _if_set(read: Callable[[], _Setting]) -> _Setting | None:
    try:
        return read()
    except ClientError as error:
        if code_of(error) not in _NOT_SET:
            raise
        return None
