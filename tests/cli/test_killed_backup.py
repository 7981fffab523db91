"""A backup killed at any moment leaves no false backup, and later runs remove its leftovers."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.command import PROGRAM, environment
from tests.cli.home import Home, make_home
from tests.databases import make_bank, require_bank

_KILLS = 15
_ROWS = 90_000  # about 10 MB
_SEED = 20260301


@pytest.fixture
def large_home(tmp_path: Path) -> Home:
    """A folder whose database takes a while to back up."""
    home = make_home(tmp_path / "home")
    home.database.unlink()
    make_bank(home.database, rows=_ROWS)
    return home


def committed(home: Home) -> Iterator[tuple[Path, dict[str, object]]]:
    """Yield each archive that has a manifest, with its record in the manifest."""
    for backup_id in home.ids:
        yield home.archive(backup_id), json.loads(home.manifest(backup_id).read_bytes())["archive"]


def kill_after(home: Home, seconds: float) -> None:
    """Start a backup and kill it with its child processes, unless it has finished."""
    facts = environment({"SCRATCH_DIR": str(home.scratch)})
    with subprocess.Popen(
        (PROGRAM, "backup"), cwd=home.root, env=facts, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
def test_killed_at_many_moments(large_home: Home) -> None:
    """After any kill, each manifest has its whole archive, which verifies; the next run clears scratch."""
    begun = time.monotonic()
    large_home.run_program("backup").require(0)
    whole = time.monotonic() - begun
    moments = random.Random(_SEED)
    abandoned = 0
    for number in range(_KILLS):
        kill_after(large_home, whole * (number + moments.random()) / _KILLS)
        for archive, recorded in committed(large_home):
            assert hashlib.sha256(archive.read_bytes()).hexdigest() == recorded["sha256"]
        left = [folder for folder in large_home.scratch.iterdir() if any(folder.iterdir())]
        assert len(left) <= 1, "an earlier killed backup's scratch folder was not cleared"
        abandoned += len(left)
    assert abandoned, "no backup was killed in the middle of its work"
    for folder in large_home.scratch.iterdir():
        os.utime(folder, (0, 0))  # an empty one may belong to a backup that is just about to lock it, for a minute
    time.sleep(1)  # a backup is named by the second
    large_home.run("backup").require(0)
    assert list(large_home.scratch.iterdir()) == []
    assert large_home.run("verify", "--all", "--json").require(0).document
    assert require_bank(large_home.database) == _ROWS


def make_older(path: Path, age: timedelta) -> Path:
    """Rename an archive to one of this age."""
    older = path.with_name(f"devops_hub_backup_{datetime.now(UTC) - age:%Y%m%d_%H%M%S}.tar.gz")
    return path.rename(older)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace kills the backup at the right system call")
def test_killed_as_it_commits(new_home: Home) -> None:
    """An archive without its manifest is not a backup; after an hour it is removed with the unfinished manifest."""
    kill = ("strace", "-f", "-o", "/dev/null", "-e", "inject=link,linkat:signal=KILL:when=1")
    facts = environment({"SCRATCH_DIR": str(new_home.scratch)})
    subprocess.run((*kill, PROGRAM, "backup"), cwd=new_home.root, env=facts, capture_output=True, check=False)
    assert new_home.ids == ()
    (archive,) = new_home.backups.glob("*.tar.gz")
    (unfinished,) = new_home.backups.glob(".unfinished-*")
    new_home.run("restore", "--latest", "--dry-run").require(10, "no good backup", "restore one by its path")
    report = new_home.run("backup", "--json").require(0).document
    assert report["pruned"]["unfinished"] == []
    assert archive.exists()
    assert unfinished.exists()
    archive = make_older(archive, timedelta(hours=2))
    os.utime(unfinished, (time.time() - 7200, time.time() - 7200))
    report = new_home.run("backup", "--json").require(0).document
    assert report["pruned"]["unfinished"] == [archive.name]
    assert not archive.exists()
    assert not unfinished.exists()
    assert list(new_home.scratch.iterdir()) == []


def test_an_archive_that_lost_its_manifest(home: Home) -> None:
    """Leftovers of a kill before the commit are removed after an hour; younger and foreign files stay."""
    (home.backups / "devops_hub_backup_20260101_000000.tar.gz").write_bytes(b"a user's file")
    old, young = home.ids[0], home.back_up(timedelta(minutes=30))
    for backup_id in (old, young):
        home.manifest(backup_id).unlink()
    report = home.run("backup", "--json").require(0).document
    assert report["pruned"]["unfinished"] == [f"{old}.tar.gz"]
    assert home.archive(young).exists()
    assert (home.backups / "devops_hub_backup_20260101_000000.tar.gz").exists()
