"""Tests of files that appear whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from sqlitevault.ground.errors import ScratchFull, TargetUnwritable
from sqlitevault.ground.files import full_disk_reported, in_home, require_free, unfinished, whole_file, write_whole


class InterruptedByTest(BaseException):
    """An interruption such as Ctrl-C."""


def test_a_complete_file_replaces_the_old_one_with_its_mode(tmp_path: Path) -> None:
    """The name has the old content until the new file is complete, and then the new content and mode."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with whole_file(path, mode=0o640) as out:
        out.write(b"new")
        out.flush()
        assert path.read_bytes() == b"old"
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_no_file(tmp_path: Path) -> None:
    """After an interruption the old file stays and the unfinished file is deleted."""
    path = tmp_path / "file"
    write_whole(path, "old")
    with pytest.raises(InterruptedByTest), whole_file(path) as out:
        out.write(b"new")
        raise InterruptedByTest
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_does_not_replace_another(tmp_path: Path) -> None:
    """With `new`, a name that is already taken is refused."""
    path = tmp_path / "file"
    with whole_file(path, new=True) as out:
        out.write(b"first")
    with pytest.raises(FileExistsError), whole_file(path, new=True) as out:
        out.write(b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_writers_file_is_replaced(tmp_path: Path) -> None:
    """A file that a killed writer left under the temporary name is replaced."""
    path = tmp_path / "file"
    left = tmp_path / ".file.unfinished"
    left.write_bytes(b"left by a killed writer")
    with unfinished(path, durable=False) as made:
        assert made == left
        assert not made.exists()
        made.write_bytes(b"content")
    assert path.read_bytes() == b"content"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_raises_scratch_full(tmp_path: Path, number: int) -> None:
    """The system's three errors for a full disk raise ScratchFull; other errors are unchanged."""
    with pytest.raises(ScratchFull, match=str(tmp_path)), full_disk_reported(tmp_path):
        raise OSError(number, "full")
    with pytest.raises(PermissionError), full_disk_reported(tmp_path):
        raise PermissionError(errno.EACCES, "refused")


def test_free_space_is_checked_beforehand(tmp_path: Path) -> None:
    """Too little free space raises ScratchFull with the number of bytes needed."""
    require_free(tmp_path, 0)
    with pytest.raises(ScratchFull, match="bytes are needed"):
        require_free(tmp_path, 1 << 60)


def test_a_text_file_is_readable_by_everybody(tmp_path: Path) -> None:
    """The mode of a text file does not depend on the umask, and a missing folder is named in the error."""
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "file", "text")
    finally:
        os.umask(before)
    assert ((tmp_path / "file").read_text(), (tmp_path / "file").stat().st_mode & 0o777) == ("text", 0o644)
    with pytest.raises(TargetUnwritable, match="missing/file"):
        write_whole(tmp_path / "missing" / "file", "text")


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    """Renaming a file over /dev/null would replace it for the whole machine."""
    special = tmp_path / "special"
    os.mkfifo(special)
    with pytest.raises(TargetUnwritable, match="not an ordinary file"):
        write_whole(special, "content")
    assert special.is_fifo()


def test_a_link_stays_and_the_file_that_it_names_is_written(tmp_path: Path) -> None:
    """The link itself is not replaced."""
    link, path = tmp_path / "link", tmp_path / "file"
    link.symlink_to(path)
    write_whole(link, "content")
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "content"


def test_the_home_folder_of_an_unknown_user_is_a_plain_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell; Path.expanduser would end the program with a traceback."""
    monkeypatch.setenv("HOME", "/home/hub")
    assert in_home("~/backups") == Path("/home/hub/backups")
    assert in_home("~nobody-here/backups") == Path("~nobody-here/backups")
