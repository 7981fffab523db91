"""Download of an object in parallel ranges: a lost connection costs a range, not the file."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, FlexibleChecksumError, IncompleteReadError

from sqlitevault.ground.files import full_disk_reported, sha256_of
from sqlitevault.ground.steps import OnBytes
from sqlitevault.vault.s3.upload import Address

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_RANGE = 8 << 20
_BLOCK = 1 << 20
_THREADS = 4
_TRIES = 5


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
        except FlexibleChecksumError:  # damaged on its way: fetch the whole range again
            position = start
            if not tries_left:
                raise
        except BotoCoreError:
            if not tries_left:
                raise
        if position == end:
            return end - start
    raise IncompleteReadError(actual_bytes=position - start, expected_bytes=end - start)
