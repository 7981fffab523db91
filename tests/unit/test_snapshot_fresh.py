"""Tests of reads of files that another host changes."""

import errno
import mmap
import os
import resource
from pathlib import Path

import pytest

from sqlitevault.snapshot.fresh import Replaced, Vanished, beside, drop_cached_pages, force_sync, fresh_open, look


def test_views_are_equal_while_nobody_writes(tmp_path: Path) -> None:
    """Reads do not change a view."""
    path = tmp_path / "a"
    path.write_bytes(b"content" * 100)
    assert look(path) == look(path)
    assert look(path).first == (b"content" * 100)[:100]


def test_a_write_changes_the_view_even_if_the_header_does_not(tmp_path: Path) -> None:
    """A later time is enough to make two views differ."""
    path = tmp_path / "a"
    path.write_bytes(b"0" * 500)
    before = look(path)
    with path.open("r+b") as file:
        file.seek(400)
        file.write(b"1")
    os.utime(path, ns=(0, before.fingerprint.modified + 1))
    assert look(path) != before


def test_a_replaced_file_has_another_identity(tmp_path: Path) -> None:
    """A new file with the same content has another identity."""
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"same")
    other.write_bytes(b"same")
    before = look(path)
    other.rename(path)
    assert look(path).fingerprint.identity != before.fingerprint.identity


def test_the_applications_cache_is_kept(tmp_path: Path) -> None:
    """On a local disk cached pages stay in memory; that they are dropped on NFS can only be tested on a mount."""
    path = tmp_path / "a"
    path.write_bytes(bytes(1 << 20))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as pages:
        assert pages[0] == 0  # cached from here on
        drop_cached_pages(file.fileno())
        before = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
        assert sum(pages[:: mmap.PAGESIZE]) == 0
        assert resource.getrusage(resource.RUSAGE_SELF).ru_majflt == before


def test_missing_files_vanished(tmp_path: Path) -> None:
    """A missing file and a missing folder both raise Vanished."""
    with pytest.raises(Vanished):
        look(tmp_path / "none")
    with pytest.raises(Vanished):
        look(tmp_path / "none" / "below")


def test_a_stale_handle_is_not_a_missing_file(tmp_path: Path) -> None:
    """A stale handle means that the file was replaced, so it must be opened again."""
    path = tmp_path / "a"
    path.write_bytes(b"x")
    with pytest.raises(Replaced, match="replaced"), fresh_open(path):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
    assert not issubclass(Replaced, Vanished)


def test_descriptors_are_read_only_and_closed(tmp_path: Path) -> None:
    """Descriptors are read-only, and none is left open."""
    path = tmp_path / "a"
    path.write_bytes(b"x")
    with fresh_open(path) as descriptor, pytest.raises(OSError, match="Bad file descriptor"):
        os.write(descriptor, b"y")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_force_sync_raises_system_errors(tmp_path: Path) -> None:
    """An error of the system call is raised."""
    force_sync(tmp_path)
    with pytest.raises(FileNotFoundError, match="none"):
        force_sync(tmp_path / "none")


def test_names_beside_a_database() -> None:
    """The suffix is appended to the whole name, as SQLite does."""
    assert beside(Path("/data/app.db"), "-wal") == Path("/data/app.db-wal")
