"""Copying the bytes of one open file, by several threads where the file is large: a network read mostly waits."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlitevault.snapshot.attempt import Attempt
from sqlitevault.snapshot.fresh import beside, drop_cached_pages, fresh_open

_PIECE = 1 << 20
_PRIVATE = 0o600


def _no_check() -> None:
    """Go on."""


def copy_database(attempt: Attempt, descriptor: int, *, check: Callable[[], None] = _no_check) -> None:
    """Copy the open source to the attempt's copy, reporting progress and measuring the speed.

    Args:
        attempt: what to copy where, and how.
        descriptor: of the source.
        check: called after each chunk; what it raises ends the copy.
    """
    total = 0
    started = time.monotonic()

    def on_chunk(copied: int) -> None:
        nonlocal total
        total += copied
        attempt.advance(total)
        attempt.step("database-chunk")
        check()

    try:
        _copy(attempt, descriptor, attempt.copy, on_chunk)
    finally:
        if total:
            attempt.observations.bytes_per_second = total / max(time.monotonic() - started, 1e-6)


def copy_beside(attempt: Attempt, suffix: str, *, check: Callable[[], None] = _no_check) -> None:
    """Copy the source's `-journal` or `-wal`, as large as it is now, beside the copy.

    Raises:
        Vanished: there is none.
    """

    def on_chunk(_copied: int) -> None:
        attempt.step(f"{suffix[1:]}-chunk")
        check()

    with fresh_open(beside(attempt.source, suffix)) as descriptor:
        _copy(attempt, descriptor, beside(attempt.copy, suffix), on_chunk)


def _copy(attempt: Attempt, descriptor: int, target: Path, on_chunk: Callable[[int], None]) -> None:
    options = attempt.options
    copy_bytes(descriptor, target, chunk_bytes=options.chunk_bytes, threads=options.threads, on_chunk=on_chunk)


def copy_bytes(
    descriptor: int, target: Path, *, chunk_bytes: int, threads: int, on_chunk: Callable[[int], None]
) -> int:
    """Copy a file up to the size it has now and return the number of bytes copied.

    Bytes added later are not followed; if the file shrinks meanwhile, less is copied. The target must not exist.

    Args:
        descriptor: of the file, open for reading.
        target: the new file.
        chunk_bytes: copied at a time.
        threads: that copy; 1 means the caller's alone.
        on_chunk: called by the caller's thread with the bytes of each chunk, in order; what it raises ends the copy.

    Raises:
        OSError: of reading or writing.
    """
    drop_cached_pages(descriptor)
    size = os.fstat(descriptor).st_size
    output = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
    try:
        copy_one = partial(_copy_chunk, descriptor, output, chunk_bytes, size)
        with _mapped(copy_one, range(0, size, chunk_bytes), threads) as chunks:
            total = 0
            for copied in chunks:
                total += copied
                on_chunk(copied)
            return total
    finally:
        os.close(output)


@contextmanager
def _mapped(copy_one: Callable[[int], int], offsets: range, threads: int) -> Iterator[Iterator[int]]:
    """Give the results of `copy_one`; when the body is left early, the threads stop after the chunk they are at."""
    if threads == 1 or len(offsets) < threads:
        yield map(copy_one, offsets)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="copy") as pool:
        try:
            yield pool.map(copy_one, offsets)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _copy_chunk(source: int, output: int, chunk_bytes: int, size: int, offset: int) -> int:
    end = min(offset + chunk_bytes, size)
    buffer = memoryview(bytearray(min(_PIECE, end - offset)))
    position = offset
    while position < end:
        count = os.preadv(source, [buffer[: end - position]], position)
        if not count:
            break
        _write(output, buffer[:count], position)
        position += count
    return position - offset


def _write(output: int, data: memoryview, position: int) -> None:
    while data:
        count = os.pwrite(output, data, position)
        data, position = data[count:], position + count
