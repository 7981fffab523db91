"""Tests of the working folder of a copy."""

import multiprocessing
import os
import resource
from pathlib import Path

import pytest

from sqlitevault.ground.errors import ScratchFull, TargetExists
from sqlitevault.snapshot.working_copy import clear, workplace


def test_the_copy_is_put_in_place(tmp_path: Path) -> None:
    """Afterwards only the finished copy is left."""
    with workplace(tmp_path / "copy.db", 10) as copy:
        copy.write_bytes(b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["copy.db"]


def test_an_error_leaves_no_files(tmp_path: Path) -> None:
    """After an error neither the copy nor the files beside it are left."""
    with pytest.raises(ZeroDivisionError), workplace(tmp_path / "copy.db", 10) as copy:
        copy.write_bytes(b"content")
        copy.with_name("database-wal").write_bytes(b"log")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["", "-journal", "-wal", "-shm"])
def test_names_that_are_taken(tmp_path: Path, suffix: str) -> None:
    """Existing files are not overwritten, and a stale journal or log is refused because SQLite would apply it."""
    (tmp_path / f"copy.db{suffix}").write_bytes(b"precious")
    with pytest.raises(TargetExists), workplace(tmp_path / "copy.db", 10):
        pytest.fail("the body was entered")


def test_too_little_space_is_reported_first(tmp_path: Path) -> None:
    """If the copy cannot fit, the source is neither locked nor read."""
    with pytest.raises(ScratchFull, match="are needed"), workplace(tmp_path / "copy.db", 1 << 60):
        pytest.fail("the body was entered")


def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    """A disk that fills up during the copy is reported as ScratchFull."""
    process = multiprocessing.get_context("fork").Process(target=_write_beyond_the_limit, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert list(tmp_path.iterdir()) == []


def _write_beyond_the_limit(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        with workplace(folder / "copy.db", 10) as copy, copy.open("wb", buffering=0) as file:
            while True:
                file.write(b"0" * 400)
    except ScratchFull:
        os._exit(0)
    os._exit(1)


def test_clearing_between_attempts(tmp_path: Path) -> None:
    """The next attempt begins with an empty folder."""
    with workplace(tmp_path / "copy.db", 10) as copy:
        copy.write_bytes(b"first")
        copy.with_name("database-journal").write_bytes(b"journal")
        clear(copy)
        assert list(copy.parent.iterdir()) == []
        copy.write_bytes(b"second")
    assert (tmp_path / "copy.db").read_bytes() == b"second"
