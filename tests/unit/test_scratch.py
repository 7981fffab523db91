"""Tests of scratch directories: removed after use, or by the next process if their owner was killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sqlitevault.ground.errors import ConfigError, ScratchFull
from sqlitevault.ground.scratch import PREFIX, scratch_directory

_OWNER = """
import os, signal, sys
from pathlib import Path
from sqlitevault.ground import scratch
kept = os.unlink
def unlink(path, *arguments, **options):  # the process is killed at its second removal of a file
    global removed
    removed += 1
    if removed == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    kept(path, *arguments, **options)
removed = 0
with scratch.scratch_directory(Path(sys.argv[1])) as made:
    for number in range(3):
        (made / f"copy-{number}.db").write_bytes(b"rows")
    (made / "unpacked").mkdir()
    (made / "unpacked" / "copy.db").write_bytes(b"rows")
    if sys.argv[2] == "work":
        os.kill(os.getpid(), signal.SIGKILL)
    os.unlink = unlink
"""


def test_a_scratch_directory_is_removed_after_use(tmp_path: Path) -> None:
    """A scratch directory is removed with all its content, even after an error."""
    with pytest.raises(ZeroDivisionError), scratch_directory(tmp_path) as made:
        (made / "folder").mkdir()
        (made / "folder" / "file").write_bytes(b"x")
        (made / "link").symlink_to(tmp_path)
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["work", "removal"])
def test_the_directory_of_a_killed_owner_is_removed(tmp_path: Path, moment: str) -> None:
    """The next process removes the directory of an owner killed at work or during the clean-up."""
    killed = subprocess.run([sys.executable, "-c", _OWNER, str(tmp_path), moment], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert any(left.rglob("*.db"))
    with scratch_directory(tmp_path) as made:
        assert list(tmp_path.iterdir()) == [made]


def test_the_directory_of_a_live_owner_is_kept(tmp_path: Path) -> None:
    """Two scratch directories in use at the same time do not affect each other."""
    with scratch_directory(tmp_path) as first, scratch_directory(tmp_path) as second:
        assert sorted(tmp_path.iterdir()) == sorted([first, second])


def test_an_empty_directory_is_removed_after_a_minute(tmp_path: Path) -> None:
    """An empty directory is removed only after a minute, because its owner may be about to lock it."""
    young, old = (tmp_path / f"{PREFIX}{name}" for name in ("young", "old"))
    young.mkdir()
    old.mkdir()
    os.utime(old, (time.time() - 120, time.time() - 120))
    with scratch_directory(tmp_path):
        assert young.exists()
        assert not old.exists()


def test_too_little_space_is_reported_first(tmp_path: Path) -> None:
    """Too little free space is reported before anything is created."""
    with pytest.raises(ScratchFull, match="bytes are needed"), scratch_directory(tmp_path, needed_bytes=1 << 60):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_impossible_directory_is_a_wrong_setting(tmp_path: Path) -> None:
    """A scratch directory below a file raises ConfigError."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot be used"), scratch_directory(tmp_path / "file" / "below"):
        pass
