"""Transfer of files: uploads in parts, in bounded memory, and downloads in parallel ranges.

Every part carries its SHA-256, which S3 compares before it stores the part (Amazon S3 User Guide, "Checking object
integrity"). The algorithm is named too because a bucket with a default retention requires it. The SHA-256 of the whole
file is computed from the same bytes and compared before the upload is completed. A failed upload leaves nothing. In a
download a lost connection costs a range, not the file.
"""

import base64
import hashlib
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError, IncompleteReadError

from sqlitevault.ground.errors import ChecksumMismatch
from sqlitevault.ground.files import full_disk_reported, sha256_of
from sqlitevault.ground.steps import OnBytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

Address = dict[str, Any]
"""Bucket, key and, where it matters, version or conditions: arguments of most S3 operations."""

SMALLEST_PART = 8 << 20
_MOST_PARTS = 10_000
_RANGE = 8 << 20
_BLOCK = 1 << 20
_THREADS = 4
_TRIES = 5


def upload_file(client: "S3Client", address: Address, source: Path, sha256: str, on_bytes: OnBytes) -> None:
    """Store the file at `address`, in parts unless it is small.

    Raises:
        ChecksumMismatch: the file does not have this SHA-256; nothing is stored.
        ClientError, BotoCoreError: S3 refused, or could not be reached; nothing is stored.
    """
    with source.open("rb") as reading:
        size = source.stat().st_size
        if size <= SMALLEST_PART:
            content = reading.read()
            _require_same(hashlib.sha256(content).hexdigest(), sha256, address)
            put(client, address, content)
            on_bytes(size)
        else:
            _Multipart(client, address, on_bytes).upload(reading, size, sha256)


def put(client: "S3Client", address: Address, content: bytes) -> None:
    """Store `content` in one request with its checksum. `address` may hold further arguments of PutObject."""
    client.put_object(**address, Body=content, ChecksumAlgorithm="SHA256", ChecksumSHA256=_base64_sha256(content))


class _Multipart:
    def __init__(self, client: "S3Client", address: Address, on_bytes: OnBytes) -> None:
        begun = client.create_multipart_upload(**address, ChecksumAlgorithm="SHA256")
        self._client, self._on_bytes = client, on_bytes
        self._address = address | {"UploadId": begun["UploadId"]}

    def upload(self, reading: BinaryIO, size: int, sha256: str) -> None:
        try:
            found, parts = self._send(reading, max(SMALLEST_PART, -(-size // _MOST_PARTS)))
            _require_same(found, sha256, self._address)
            self._client.complete_multipart_upload(**self._address, MultipartUpload={"Parts": parts})
        except BaseException:
            # The error of the upload matters more than one of its cleanup, which a sweep does later.
            with suppress(ClientError, BotoCoreError):
                self._client.abort_multipart_upload(**self._address)
            raise

    def _send(self, reading: BinaryIO, part_size: int) -> "tuple[str, list[CompletedPartTypeDef]]":
        whole = hashlib.sha256()
        parts: list[CompletedPartTypeDef] = []
        sending: deque[Future[CompletedPartTypeDef]] = deque()
        with ThreadPoolExecutor(_THREADS) as pool:
            number = 0
            while content := reading.read(part_size):
                number += 1
                whole.update(content)
                sending.append(pool.submit(self._send_part, number, content))
                if len(sending) > _THREADS:
                    parts.append(sending.popleft().result())
            parts.extend(future.result() for future in sending)
        return whole.hexdigest(), parts

    def _send_part(self, number: int, content: bytes) -> "CompletedPartTypeDef":
        checksum = _base64_sha256(content)
        sent = self._client.upload_part(
            **self._address, PartNumber=number, Body=content, ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum
        )
        self._on_bytes(len(content))
        return {"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum}


def _base64_sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _require_same(found: str, expected: str, address: Address) -> None:
    if found != expected:
        raise ChecksumMismatch(
            f"the file for {address['Key']} changed before it was uploaded",
            hint="Run it again; if it recurs, suspect the disk.",
        )


def download_file(client: "S3Client", wanted: Address, size: int, target: Path, on_bytes: OnBytes) -> str:
    """Write the object to `target` and return the SHA-256 of what was written; on an error `target` is removed.

    `wanted` must name one version or an ETag, so that all ranges come from the same content; `size` is its length.

    Raises:
        FileExistsError: `target` already exists, and stays.
        ScratchFull: the disk is too small.
        ClientError, BotoCoreError: S3 refused, or could not be reached.
    """
    with target.open("xb") as out:
        try:
            if size:
                with full_disk_reported(target.parent):
                    os.posix_fallocate(out.fileno(), 0, size)
            with ThreadPoolExecutor(_THREADS) as pool:
                fetch = partial(_fetch, client, wanted, out.fileno())
                for count in pool.map(fetch, ((start, min(start + _RANGE, size)) for start in range(0, size, _RANGE))):
                    on_bytes(count)
            os.fsync(out.fileno())
            return sha256_of(target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _fetch(client: "S3Client", wanted: Address, descriptor: int, bounds: tuple[int, int]) -> int:
    start, end = bounds
    position = start
    for tries_left in reversed(range(_TRIES)):
        try:
            found = client.get_object(**wanted, Range=f"bytes={position}-{end - 1}")
            for block in found["Body"].iter_chunks(_BLOCK):
                os.pwrite(descriptor, block, position)
                position += len(block)
        except BotoCoreError as error:
            if not tries_left:
                raise
            if isinstance(error, FlexibleChecksumError):  # damaged on its way: fetch the whole range again
                position = start
        if position == end:
            return end - start
    raise IncompleteReadError(actual_bytes=position - start, expected_bytes=end - start)
