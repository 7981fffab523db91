"""Working folders: gone afterwards, and what killed owners left is cleared by the next."""

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
def unlink(path, *arguments, **options):  # whichever call removes a file, the second one never happens
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


def test_it_is_gone_afterwards(tmp_path: Path) -> None:
    """With everything in it, also after an error."""
    with pytest.raises(ZeroDivisionError), scratch_directory(tmp_path) as made:
        (made / "folder").mkdir()
        (made / "folder" / "file").write_bytes(b"x")
        (made / "link").symlink_to(tmp_path)
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["work", "removal"])
def test_what_a_killed_owner_left_is_cleared(tmp_path: Path, moment: str) -> None:
    """Killed while it works or while it cleans up: the next one removes the copies of the database."""
    killed = subprocess.run([sys.executable, "-c", _OWNER, str(tmp_path), moment], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert any(left.rglob("*.db"))
    with scratch_directory(tmp_path) as made:
        assert list(tmp_path.iterdir()) == [made]


def test_a_living_owners_folder_is_left_alone(tmp_path: Path) -> None:
    """Two at once do not disturb each other."""
    with scratch_directory(tmp_path) as first, scratch_directory(tmp_path) as second:
        assert sorted(tmp_path.iterdir()) == sorted([first, second])


def test_an_empty_folder_goes_when_it_is_old(tmp_path: Path) -> None:
    """Its owner may be about to lock it; after a minute it is not."""
    young, old = (tmp_path / f"{PREFIX}{name}" for name in ("young", "old"))
    young.mkdir()
    old.mkdir()
    os.utime(old, (time.time() - 120, time.time() - 120))
    with scratch_directory(tmp_path):
        assert young.exists()
        assert not old.exists()


def test_too_little_room_is_noticed_first(tmp_path: Path) -> None:
    """Asked for before anything is made."""
    with pytest.raises(ScratchFull, match="bytes are needed"), scratch_directory(tmp_path, needed_bytes=1 << 60):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_is_a_wrong_setting(tmp_path: Path) -> None:
    """SCRATCH_DIR below a file."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot be used"), scratch_directory(tmp_path / "file" / "below"):
        pass
