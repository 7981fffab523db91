"""Download one version of an object in parallel ranges; a lost connection costs the range, not the file."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, FlexibleChecksumError, IncompleteReadError

from sqlitevault.ground.files import full_disk_reported
from sqlitevault.ground.steps import OnBytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef

_RANGE = 8 << 20
_BLOCK = 1 << 20
_THREADS = 4
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Remote:
    """One version of one object; the ETag makes sure that all ranges come from the same bytes."""

    bucket: str
    key: str
    version: str | None
    etag: str
    size: int


def download_file(client: "S3Client", remote: Remote, target: Path, on_bytes: OnBytes) -> str:
    """Write the object to `target` and return the SHA-256 of what was written; on an error `target` is removed.

    Raises:
        FileExistsError: `target` is there already, and stays.
        ScratchFull: the disk is too small.
        ClientError, BotoCoreError: S3 refused or was not reached.
    """
    with target.open("xb") as out:
        try:
            if remote.size:
                with full_disk_reported(target.parent):
                    os.posix_fallocate(out.fileno(), 0, remote.size)
            with ThreadPoolExecutor(_THREADS) as pool:
                for count in pool.map(lambda start: _fetch(client, remote, out.fileno(), start), _starts(remote.size)):
                    on_bytes(count)
            os.fsync(out.fileno())
            with target.open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest()
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _starts(size: int) -> Iterator[int]:
    return iter(range(0, size, _RANGE))


def _fetch(client: "S3Client", remote: Remote, descriptor: int, start: int) -> int:
    end = min(start + _RANGE, remote.size)
    position = start
    for tries_left in reversed(range(_TRIES)):
        try:
            for block in _blocks(client, remote, position, end):
                os.pwrite(descriptor, block, position)
                position += len(block)
        except FlexibleChecksumError:  # damaged on its way: all of it again
            position = start
            if not tries_left:
                raise
        except BotoCoreError:
            if not tries_left:
                raise
        if position == end:
            return end - start
    raise IncompleteReadError(actual_bytes=position - start, expected_bytes=end - start)


def _blocks(client: "S3Client", remote: Remote, start: int, end: int) -> Iterator[bytes]:
    wanted: GetObjectRequestTypeDef = {
        "Bucket": remote.bucket,
        "Key": remote.key,
        "Range": f"bytes={start}-{end - 1}",
        "IfMatch": remote.etag,
    }
    if remote.version is not None:
        wanted["VersionId"] = remote.version
    yield from client.get_object(**wanted)["Body"].iter_chunks(_BLOCK)
