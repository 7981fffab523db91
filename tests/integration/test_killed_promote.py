"""Promotes killed at every system call that changes something: the target is the whole old one or the whole new one.

The calls are those that strace sees in one promote; then, for each call, a promote is killed as it enters the call. The
suite tries every fourth call; `make kill-promote` tries all.
"""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sqlitevault.backup.backup import Order, back_up
from sqlitevault.catalog.manifest import Scope, Table
from sqlitevault.catalog.selection import Choice, select
from sqlitevault.database.content import read_tables
from sqlitevault.ground.errors import BackupNotFound
from sqlitevault.restore.promote import promote
from sqlitevault.restore.stage import stage
from sqlitevault.restore.target import Target
from sqlitevault.vault.directory import DirectoryVault
from tests.crashes import leave_hot_journal, leave_log
from tests.databases import make_bank
from tests.sites import make_site

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("strace"), reason="strace, which kills at a system call, is not installed"),
]

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
# Everything that changes a file, a name or the disk. Reading cannot tear anything.
CHANGES = (
    "rename,renameat,renameat2,unlink,unlinkat,link,linkat,write,pwrite64,writev,ftruncate,fsync,fdatasync,"
    "copy_file_range,sendfile,mkdir,mkdirat,rmdir,chmod,fchmod,fchmodat,chown,fchown,fchownat"
)
# The least number of calls, so that this test cannot become empty unnoticed; there were 155 when it was written.
LEAST_POINTS = {"journal": 50, "log": 40, "clean": 20}
EVERY = int(os.environ.get("KILL_EVERY", "4"))
_PROMOTE = """
import ctypes
import sys
from datetime import UTC, datetime
from pathlib import Path
from sqlitevault.restore.promote import promote
from sqlitevault.restore.target import Target
from tests.sites import make_site
site = make_site(Path(sys.argv[1]), config_root=Path(sys.argv[2]), at=datetime(2026, 3, 1, tzinfo=UTC))
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1))  # PR_SET_PTRACER: strace, not an ancestor, may trace this
print("imported", flush=True)
sys.stdin.read()
target = Target.of(site)
promote(site, target.newest(target.staged))
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A folder with a backup staged beside a live database, and the only two contents that the target may have."""

    folder: Path
    old: tuple[Table, ...]
    new: tuple[Table, ...]

    def copied(self, to: Path) -> "Scene":
        """Copy the scene."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.folder, to)
        return Scene(to, self.old, self.new)

    @property
    def database(self) -> Path:
        """The live database."""
        return self.folder / "data" / "app.db"

    @property
    def target(self) -> Target:
        """The target of the promote."""
        return Target(self.database)

    @property
    def compose(self) -> str:
        """The configuration file."""
        return (self.folder / "docker-compose.yml").read_text()


def _seen_by_sqlite(database: Path, work: Path) -> tuple[Table, ...]:
    """Return the content of a copy after SQLite's own recovery from the files beside the database."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for path in database.parent.glob(f"{database.name}*"):
        if path.is_file():
            shutil.copy(path, work / path.name)
    copy = work / database.name
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    return read_tables(copy)


def _make_scene(root: Path, crash: str) -> Scene:
    folder = root / "scene"
    database = make_bank(folder / "data" / "app.db", rows=300)
    (folder / "docker-compose.yml").write_text("new: 1\n")
    vault = DirectoryVault(root / "vault")
    site = make_site(database, vault, at=NOW)
    backed_up = back_up(site, Order(created_at=NOW - timedelta(hours=1))).manifest
    database.unlink()
    make_bank(database, rows=500, journal_mode="wal" if crash == "log" else "delete")
    (folder / "docker-compose.yml").write_text("old: 1\n")
    stage(site, select(vault, Choice()), scope=Scope.ALL)
    if crash == "log":
        leave_log(database)
    elif crash == "journal":
        leave_hot_journal(database)
    return Scene(folder, _seen_by_sqlite(database, root / "seen"), backed_up.tables)


def _strace(scene: Scene, *options: str) -> int:
    """Promote under strace, which is attached after the imports because it would slow them down."""
    program = [sys.executable, "-B", "-c", _PROMOTE, str(scene.database), str(scene.folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=pipe) as promoting:
        assert promoting.stdout is not None
        assert promoting.stdout.readline() == b"imported\n"
        command = ["strace", "-f", *options, "-p", str(promoting.pid)]
        with subprocess.Popen(command, stderr=pipe) as strace:
            assert strace.stderr is not None
            attached = strace.stderr.readline()
            _, said = promoting.communicate()
            said += attached + strace.stderr.read()
    assert promoting.returncode in (0, -signal.SIGKILL), said
    return promoting.returncode


def _changes(scene: Scene, trace: Path) -> list[tuple[str, int]]:
    """Return every changing call of an undisturbed promote: its name, and its ordinal among calls of that name."""
    assert _strace(scene, "-o", str(trace), "-e", f"trace={CHANGES}") == 0
    names = re.findall(r"^(?:\d+ +)?(\w+)\(", trace.read_text(), re.MULTILINE)
    return [(name, names[: index + 1].count(name)) for index, name in enumerate(names)]


def _killed_at(scene: Scene, name: str, number: int) -> None:
    """Run a promote that is killed as it enters this call."""
    injected = f"inject={name}:signal=KILL:when={number}"
    assert _strace(scene, "-o", "/dev/null", "-e", f"trace={name}", "-e", injected) != 0, f"{name} {number}"


def _finish(scene: Scene) -> None:
    """Run the promote again, as an operator does after a crash; if nothing is staged, it was complete."""
    try:
        staged = scene.target.newest(scene.target.staged)
    except BackupNotFound:
        return
    promote(make_site(scene.database, at=NOW), staged)


@pytest.mark.parametrize("crash", ["journal", "log", "clean"])
def test_killed_at_every_change(tmp_path: Path, crash: str) -> None:
    """A kill never leaves a torn target, with any side files of the live database, and another run completes it."""
    pattern = _make_scene(tmp_path, crash)
    assert pattern.old != pattern.new
    points = _changes(pattern.copied(tmp_path / "try"), tmp_path / "trace")
    assert len(points) >= LEAST_POINTS[crash]
    seen = {pattern.old: 0, pattern.new: 0}
    for name, number in points[::EVERY]:
        scene = pattern.copied(tmp_path / "try")
        _killed_at(scene, name, number)
        found = _seen_by_sqlite(scene.database, tmp_path / "seen")
        assert found in seen, f"torn at {name} {number}"
        assert scene.compose in ("old: 1\n", "new: 1\n")
        seen[found] += 1
        _finish(scene)
        assert _seen_by_sqlite(scene.database, tmp_path / "seen") == pattern.new, f"unfinished after {name} {number}"
        assert not list(scene.database.parent.glob("app.db-*"))
        assert scene.compose == "new: 1\n"
    assert all(seen.values())
