"""Tests of promote: at every instant the target is either the old database or the new one, complete."""

import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sqlitevault.ground.errors import BackupNotFound, TargetInUse
from sqlitevault.restore.promote import swap_in, undo
from sqlitevault.restore.target import Target, kept_path
from tests.databases import make_bank, require_bank
from tests.sites import make_site

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

# A writer that ends as in a power cut: with a WAL that was never checkpointed, or with a hot journal.
_CRASH = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("PRAGMA cache_size = 5")
for number in range(20):
    connection.execute("INSERT INTO ledger(note) VALUES ('committed')")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE accounts SET balance = 0")
connection.execute("UPDATE ledger SET note = note || hex(randomblob(100))")
os.kill(os.getpid(), 9)
"""

_APPLICATION = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT 1 FROM ledger").fetchone()
print("open", flush=True)
sys.stdin.read()
"""

_PROMOTE = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from sqlitevault.restore.promote import swap_in
from sqlitevault.restore.target import Target
database, replacement, stop = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
seen = 0
def on_step(step):
    global seen
    seen += 1
    if seen == stop:
        os.kill(os.getpid(), signal.SIGKILL)
swap_in(Target(database), replacement, now=datetime(2026, 3, 1, tzinfo=UTC), on_step=on_step)
"""


def crashed_bank(path: Path, journal_mode: str) -> Path:
    """Make a bank whose writer was killed during a transaction."""
    make_bank(path, journal_mode=journal_mode)
    subprocess.run([sys.executable, "-c", _CRASH, str(path)], check=False)
    ending = "-wal" if journal_mode == "wal" else "-journal"
    assert path.with_name(path.name + ending).stat().st_size > 0
    return path


def new_bank(path: Path) -> Path:
    """Make the replacement database, recognisable by its many ledger entries."""
    return make_bank(path, rows=2000)


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
@pytest.mark.parametrize("stop", range(1, 9))
def test_killed_at_any_step_the_target_is_old_or_new(tmp_path: Path, journal_mode: str, stop: int) -> None:
    """After SIGKILL at any step the target is the old or the new database, and a second run completes the swap."""
    live = crashed_bank(tmp_path / "app.db", journal_mode)
    replacement = new_bank(tmp_path / "staged.db")
    shutil.copy(replacement, tmp_path / "spare.db")
    ended = subprocess.run([sys.executable, "-c", _PROMOTE, str(live), str(replacement), str(stop)], check=False)
    frozen = tmp_path / "frozen"
    frozen.mkdir()
    for path in tmp_path.glob("app.db*"):
        shutil.copy(path, frozen / path.name)
    assert require_bank(frozen / "app.db") in (520, 2000)
    if ended.returncode == -signal.SIGKILL:
        if not replacement.exists():
            shutil.copy(tmp_path / "spare.db", replacement)
        swap_in(Target(live), replacement, now=NOW)
    assert require_bank(live) == 2000
    assert all(require_bank(kept) in (520, 2000) for kept in tmp_path.glob("app.db.pre_restore_????????_??????"))


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_stale_side_files_are_never_replayed(tmp_path: Path, journal_mode: str) -> None:
    """A WAL or hot journal of the old database does not undo the restore."""
    live = crashed_bank(tmp_path / "app.db", journal_mode)
    kept = swap_in(Target(live), new_bank(tmp_path / "staged.db"), now=NOW)
    assert not list(tmp_path.glob("app.db-*"))
    assert require_bank(live) == 2000
    assert kept is not None
    assert require_bank(kept) == 520


def test_a_corrupt_database_is_kept_unchanged(tmp_path: Path) -> None:
    """A database that cannot be recovered is kept with its side files and does not stop the restore."""
    live = tmp_path / "app.db"
    live.write_bytes(b"garbage" * 1000)
    live.with_name("app.db-journal").write_bytes(b"not a journal")
    kept = swap_in(Target(live), new_bank(tmp_path / "staged.db"), now=NOW)
    assert kept is not None
    assert kept.read_bytes() == b"garbage" * 1000
    assert kept.with_name(kept.name + "-journal").stat().st_size > 0
    assert require_bank(live) == 2000


def test_owner_and_mode_are_kept(tmp_path: Path) -> None:
    """The restored file has the owner and mode of the file that it replaces."""
    live = make_bank(tmp_path / "app.db")
    live.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(live, 12345, 12346)
    swap_in(Target(live), new_bank(tmp_path / "staged.db"), now=NOW)
    facts = live.stat()
    assert facts.st_mode & 0o777 == 0o640
    if os.geteuid() == 0:
        assert (facts.st_uid, facts.st_gid) == (12345, 12346)


def test_undo_puts_the_previous_database_back(tmp_path: Path) -> None:
    """Undo makes the kept copy live again and keeps the database that it replaces."""
    live = make_bank(tmp_path / "app.db", rows=7)
    swap_in(Target(live), new_bank(tmp_path / "staged.db"), now=NOW)
    report = undo(make_site(live, at=NOW))
    assert require_bank(live) == 7
    assert report.kept is not None
    assert require_bank(Path(report.kept)) == 2000


def test_undo_without_a_kept_database_is_an_error(tmp_path: Path) -> None:
    """Undo without a kept database raises BackupNotFound and changes nothing."""
    live = make_bank(tmp_path / "app.db", rows=7)
    with pytest.raises(BackupNotFound):
        undo(make_site(live, at=NOW))
    assert require_bank(live) == 7


def test_undo_refuses_an_open_database(tmp_path: Path) -> None:
    """An open database is refused with the id of the process that has it open."""
    live = make_bank(tmp_path / "app.db", rows=7)
    site = make_site(live, at=NOW)
    swap_in(Target.of(site), new_bank(tmp_path / "staged.db"), now=NOW)
    with subprocess.Popen(
        [sys.executable, "-c", _APPLICATION, str(live)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as app:
        assert app.stdout is not None
        app.stdout.readline()
        with pytest.raises(TargetInUse, match=f"process {app.pid}"):
            undo(site)
        assert undo(site, force=True).kept is not None
        app.communicate(b"")


def test_two_restores_in_one_second_keep_two_databases(tmp_path: Path) -> None:
    """Two restores in the same second keep their databases under different names."""
    live = tmp_path / "app.db"
    first = kept_path(live, NOW)
    first.write_text("kept")
    assert kept_path(live, NOW) != first


def test_a_missing_target_is_created(tmp_path: Path) -> None:
    """If the target does not exist, it is created and nothing is kept."""
    replacement = new_bank(tmp_path / "staged.db")
    assert swap_in(Target(tmp_path / "app.db"), replacement, now=NOW) is None
    assert require_bank(tmp_path / "app.db") == 2000
