"""Copying one open file, with several threads if it is large: a network read mostly waits."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlitevault.snapshot.attempt import Attempt
from sqlitevault.snapshot.fresh import beside, drop_cached_pages, fresh_open
from sqlitevault.snapshot.options import SnapshotOptions

_PIECE = 1 << 20
_PRIVATE = 0o600


def copy_database(attempt: Attempt, descriptor: int, *, check: Callable[[], None] = lambda: None) -> None:
    """Copy the open source to the attempt's copy, report progress and measure the speed.

    Args:
        attempt: the source, the copy and the options.
        descriptor: of the source.
        check: called after each chunk; an exception from it ends the copy.
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
        copy_bytes(descriptor, attempt.copy, attempt.options, on_chunk)
    finally:
        if total:
            attempt.observations.bytes_per_second = total / max(time.monotonic() - started, 1e-6)


def copy_beside(attempt: Attempt, suffix: str, *, check: Callable[[], None] = lambda: None) -> None:
    """Copy the source's `-journal` or `-wal`, up to its present size, beside the copy.

    Raises:
        Vanished: it does not exist.
    """

    def on_chunk(_copied: int) -> None:
        attempt.step(f"{suffix[1:]}-chunk")
        check()

    with fresh_open(beside(attempt.source, suffix)) as descriptor:
        copy_bytes(descriptor, beside(attempt.copy, suffix), attempt.options, on_chunk)


def copy_bytes(descriptor: int, target: Path, options: SnapshotOptions, on_chunk: Callable[[int], None]) -> None:
    """Copy a file up to its present size.

    Bytes added later are ignored; if the file shrinks meanwhile, fewer bytes are copied. The target must not exist.

    Args:
        descriptor: of the file, open for reading.
        target: the new file.
        options: `chunk_bytes` and `threads`; with 1 thread, only the caller's thread copies.
        on_chunk: called in the caller's thread with the size of each chunk, in order; an exception ends the copy.

    Raises:
        OSError: a read or write failed.
    """
    drop_cached_pages(descriptor)
    size = os.fstat(descriptor).st_size
    output = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
    try:
        copy_one = partial(_copy_chunk, descriptor, output, options.chunk_bytes, size)
        with _mapped(copy_one, range(0, size, options.chunk_bytes), options.threads) as chunks:
            for copied in chunks:
                on_chunk(copied)
    finally:
        os.close(output)


@contextmanager
def _mapped(copy_one: Callable[[int], int], offsets: range, threads: int) -> Iterator[Iterator[int]]:
    """Give the results of `copy_one`; if the body ends early, the threads stop after their present chunk."""
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
        data = buffer[:count]
        while data:
            written = os.pwrite(output, data, position)
            data, position = data[written:], position + written
    return position - offset
