"""The promises of `vault.Vault`, kept by S3."""

import base64
import hashlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sqlitevault.ground.errors import BackupExists, BackupNotFound, ManifestInvalid
from sqlitevault.ground.steps import OnBytes, ignore_bytes
from sqlitevault.vault.object_names import require_name
from sqlitevault.vault.protocol import Capabilities, Protection, StoredObject
from sqlitevault.vault.s3.download import Remote, download_file
from sqlitevault.vault.s3.errors import code_of, errors_named
from sqlitevault.vault.s3.protection import protection_of
from sqlitevault.vault.s3.upload import upload_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef


class S3Vault:
    """Objects below a prefix of a bucket. Overwriting keeps the older version where the bucket is versioned."""

    capabilities = Capabilities(expires_by_itself=True, has_versions=True, replicates=True, deployed=True)

    def __init__(self, client: "S3Client", bucket: str, prefix: str) -> None:
        """Use `client`; `prefix` is empty or ends with a slash."""
        self._client, self._bucket, self._prefix = client, bucket, prefix

    @property
    def location(self) -> str:
        """The vault's URI."""
        return f"s3://{self._bucket}/{self._prefix}"

    def upload(self, name: str, source: Path, *, sha256: str, on_bytes: OnBytes = ignore_bytes) -> StoredObject:
        """Upload with checksums that S3 compares, and look at what arrived."""
        with errors_named(self.location, name):
            upload_file(self._client, self._bucket, self._key(name), source, sha256, on_bytes)
        return self._stored(name)

    def create(self, name: str, content: bytes) -> StoredObject:
        """Put with `If-None-Match: *`. A retry that finds its own first try there has succeeded."""
        try:
            with errors_named(self.location, name):
                self._put(name, content, IfNoneMatch="*")
        except BackupExists:
            if not self._holds(name, content):
                raise
        return self._stored(name)

    def _holds(self, name: str, content: bytes) -> bool:
        try:
            return self.read(name, limit=len(content)) == content
        except ManifestInvalid:  # longer
            return False

    def replace(self, name: str, content: bytes) -> StoredObject:
        """Put; a versioned bucket keeps what was there."""
        with errors_named(self.location, name):
            self._put(name, content)
        return self._stored(name)

    def _put(self, name: str, content: bytes, **condition: Any) -> None:  # noqa: ANN401
        checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
        self._client.put_object(
            Bucket=self._bucket,
            Key=self._key(name),
            Body=content,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum,
            **condition,
        )

    def objects(self, under: str = "") -> Iterator[StoredObject]:
        """List page by page."""
        with errors_named(self.location):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + under
            )
            for page in pages:
                for entry in page.get("Contents", []):
                    yield StoredObject(
                        self._name(entry["Key"]), entry["Size"], entry["LastModified"], tag=entry["ETag"]
                    )

    def read(self, name: str, *, limit: int, version: str | None = None) -> bytes:
        """Get, one byte more than allowed at the most."""
        with errors_named(self.location, name):
            found = self._client.get_object(Bucket=self._bucket, Key=self._key(name), **_version(version))
            if found["ContentLength"] <= limit:
                return found["Body"].read()
            found["Body"].close()
        raise ManifestInvalid(
            f"{name} is longer than {limit:,} bytes", hint="It is not what its name says; use another backup."
        )

    def download(self, name: str, target: Path, *, version: str | None = None, on_bytes: OnBytes = ignore_bytes) -> str:
        """Get in parallel ranges of one version."""
        with errors_named(self.location, name):
            head = self._head(name, version)
            remote = Remote(
                self._bucket, self._key(name), head.get("VersionId", version), head["ETag"], head["ContentLength"]
            )
            return download_file(self._client, remote, target, on_bytes)

    def delete(self, name: str) -> None:
        """Delete; a versioned bucket keeps the version behind a delete marker."""
        with errors_named(self.location, name):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def versions(self, name: str) -> Iterator[StoredObject]:
        """List the versions of exactly this key, newest first as S3 does."""
        key = self._key(name)
        with errors_named(self.location, name):
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key)
            for entry in itertools.chain.from_iterable(page.get("Versions", []) for page in pages):
                if entry["Key"] == key:
                    yield StoredObject(name, entry["Size"], entry["LastModified"], entry["VersionId"])

    def replication_status(self, name: str) -> str | None:
        """Ask the object itself (x-amz-replication-status)."""
        with errors_named(self.location, name):
            status = self._head(name).get("ReplicationStatus")
        return "COMPLETED" if status == "COMPLETE" else status

    def protection(self) -> Protection:
        """Read the bucket's versioning, lock and lifecycle."""
        with errors_named(self.location):
            return protection_of(self._client, self._bucket)

    def sweep(self, older_than_seconds: float) -> int:
        """Abort old multipart uploads below the prefix."""
        limit = datetime.now(UTC) - timedelta(seconds=older_than_seconds)
        with errors_named(self.location):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            uploads = [entry for page in pages for entry in page.get("Uploads", []) if entry["Initiated"] <= limit]
            for entry in uploads:
                self._abort(entry["Key"], entry["UploadId"])
        return len(uploads)

    def _abort(self, key: str, upload: str) -> None:
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
        except ClientError as error:
            if code_of(error) != "NoSuchUpload":
                raise  # otherwise it was completed or aborted meanwhile

    def _stored(self, name: str) -> StoredObject:
        with errors_named(self.location, name):
            head = self._head(name)
        return StoredObject(name, head["ContentLength"], head["LastModified"], head.get("VersionId"))

    def _head(self, name: str, version: str | None = None) -> "HeadObjectOutputTypeDef":
        wanted: Any = {"Bucket": self._bucket, "Key": self._key(name), **_version(version)}
        try:
            return self._client.head_object(**wanted)
        except ClientError:
            # A HEAD's answer has no body to tell a missing bucket from a missing object: a GET's has.
            self._client.get_object(**wanted)["Body"].close()
            raise

    def _key(self, name: str) -> str:
        return self._prefix + require_name(name)

    def _name(self, key: str) -> str:
        if not key.startswith(self._prefix):
            raise BackupNotFound(f"{key} is not in {self.location}", hint="Report this as a defect.")
        return key[len(self._prefix) :]


def _version(version: str | None) -> dict[str, Any]:
    return {} if version is None else {"VersionId": version}
