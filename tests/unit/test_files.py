"""Files appear whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from sqlitevault.ground.errors import ScratchFull, TargetUnwritable
from sqlitevault.ground.files import full_disk_reported, require_free, unfinished, whole_file, write_whole


class InterruptedByTest(BaseException):
    """Stands for a kill that Python still sees."""


def test_a_file_appears_with_its_mode_and_replaces_the_old_one(tmp_path: Path) -> None:
    """The name shows the old content until the new one is complete."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with whole_file(path, mode=0o640) as out:
        out.write(b"new")
        out.flush()
        assert path.read_bytes() == b"old"
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_file_leaves_nothing(tmp_path: Path) -> None:
    """The old file stays, the unfinished one is removed."""
    path = tmp_path / "file"
    write_whole(path, "old")
    with pytest.raises(InterruptedByTest), whole_file(path) as out:
        out.write(b"new")
        raise InterruptedByTest
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_replaces_nothing(tmp_path: Path) -> None:
    """`new` refuses a name that is taken."""
    path = tmp_path / "file"
    with whole_file(path, new=True) as out:
        out.write(b"first")
    with pytest.raises(FileExistsError), whole_file(path, new=True) as out:
        out.write(b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_replaced(tmp_path: Path) -> None:
    """A leftover under the temporary name is neither reused nor an obstacle."""
    path = tmp_path / "file"
    left = tmp_path / ".file.unfinished"
    left.write_bytes(b"left by a killed writer")
    with unfinished(path, durable=False) as made:
        assert made == left
        assert not made.exists()
        made.write_bytes(b"content")
    assert path.read_bytes() == b"content"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_an_error_of_ours(tmp_path: Path, number: int) -> None:
    """Every way in which the system says it; other errors pass."""
    with pytest.raises(ScratchFull, match=str(tmp_path)), full_disk_reported(tmp_path):
        raise OSError(number, "full")
    with pytest.raises(PermissionError), full_disk_reported(tmp_path):
        raise PermissionError(errno.EACCES, "refused")


def test_room_is_checked_before_the_work(tmp_path: Path) -> None:
    """The message gives both figures."""
    require_free(tmp_path, 0)
    with pytest.raises(ScratchFull, match="bytes are needed"):
        require_free(tmp_path, 1 << 60)


def test_a_text_file_is_for_everybody(tmp_path: Path) -> None:
    """Its mode does not depend on the umask; a folder that is missing is named."""
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "file", "text")
    finally:
        os.umask(before)
    assert ((tmp_path / "file").read_text(), (tmp_path / "file").stat().st_mode & 0o777) == ("text", 0o644)
    with pytest.raises(TargetUnwritable, match="missing/file"):
        write_whole(tmp_path / "missing" / "file", "text")
