"""Tests of copying bytes."""

import os
import random
from pathlib import Path

import pytest

from sqlitevault.snapshot.copying import copy_bytes
from sqlitevault.snapshot.fresh import fresh_open
from sqlitevault.snapshot.options import SnapshotOptions


def _options(chunk_bytes: int, threads: int) -> SnapshotOptions:
    return SnapshotOptions(chunk_bytes=chunk_bytes, threads=threads)


def _random_file(path: Path, size: int) -> Path:
    path.write_bytes(random.Random(size).randbytes(size))
    return path


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("size", [0, 1, 4096, 100_000, 3 * (1 << 20) + 17])
def test_the_copy_is_equal(tmp_path: Path, size: int, threads: int) -> None:
    """The copy is equal for every size and number of threads."""
    source = _random_file(tmp_path / "a", size)
    counted: list[int] = []
    with fresh_open(source) as descriptor:
        copy_bytes(descriptor, tmp_path / "b", _options(30_000, threads), counted.append)
    assert (tmp_path / "b").read_bytes() == source.read_bytes()
    assert sum(counted) == size


def test_bytes_added_during_the_copy_are_ignored(tmp_path: Path) -> None:
    """Bytes added during the copy are ignored, because it might never end otherwise."""
    source = _random_file(tmp_path / "a", 10_000)

    def grow(_copied: int) -> None:
        with source.open("ab") as file:
            file.write(b"more" * 1000)

    with fresh_open(source) as descriptor:
        copy_bytes(descriptor, tmp_path / "b", _options(1000, 1), grow)
    assert (tmp_path / "b").stat().st_size == 10_000


def test_a_file_that_shrinks_is_copied_to_its_end(tmp_path: Path) -> None:
    """A truncation by the writer is not an error of the copy; the protocols detect it."""
    source = _random_file(tmp_path / "a", 10_000)
    with fresh_open(source) as descriptor:
        copy_bytes(descriptor, tmp_path / "b", _options(1000, 1), lambda _: os.truncate(source, 1500))
    assert (tmp_path / "b").stat().st_size == 1500


@pytest.mark.parametrize("threads", [1, 4])
def test_an_error_of_the_callback_ends_the_copy(tmp_path: Path, threads: int) -> None:
    """An exception from the callback ends the copy after the chunks that the threads were copying."""
    source = _random_file(tmp_path / "a", 1 << 20)

    def stop(_copied: int) -> None:
        raise ZeroDivisionError

    with fresh_open(source) as descriptor, pytest.raises(ZeroDivisionError):
        copy_bytes(descriptor, tmp_path / "b", _options(1 << 10, threads), stop)
    if threads == 1:
        assert (tmp_path / "b").stat().st_size == 1 << 10


def test_an_existing_target_is_not_overwritten(tmp_path: Path) -> None:
    """An existing file stays unchanged."""
    source = _random_file(tmp_path / "a", 10)
    (tmp_path / "b").write_bytes(b"precious")
    with fresh_open(source) as descriptor, pytest.raises(FileExistsError):
        copy_bytes(descriptor, tmp_path / "b", _options(10, 1), lambda _: None)
    assert (tmp_path / "b").read_bytes() == b"precious"
