"""Snapshots change nothing in the live database's folder, and ask the server instead of the client's cache."""

import itertools
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlitevault.snapshot import SnapshotOptions, take_snapshot
from tests.crashes import leave_hot_journal, leave_log
from tests.databases import make_bank, require_bank
from tests.sessions import session

_NOBODY = 65534
_PROGRAM = """
import sys
from pathlib import Path
from sqlitevault.snapshot import SnapshotOptions, take_snapshot
options = SnapshotOptions(optimistic_attempts=int(sys.argv[3]), pin_attempts=int(sys.argv[4]))
print(take_snapshot(Path(sys.argv[1]), Path(sys.argv[2]), options).method)
"""
_CALL = re.compile(r"^\d+ +(?P<call>\w+)\((?P<arguments>.*)\) = (?P<result>-?\d+)")
_READING = {"openat", "open", "statx", "stat", "lstat", "newfstatat", "readlink", "statfs", "access", "faccessat2"}
_WRITING_FLAGS = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")

needs_strace = pytest.mark.skipif(
    not shutil.which("strace"), reason="strace, which shows system calls, is not installed"
)
_EVERY_METHOD = [
    ("rollback-optimistic", "delete", 3, 0),
    ("rollback-locked", "delete", 0, 0),
    ("wal-pinned", "wal", 0, 3),
    ("wal-lock-free", "wal", 0, 0),
]


def _traced(tmp_path: Path, method: str, mode: str, optimistic: int, pins: int) -> list[re.Match[str]]:
    """Take a snapshot of a crashed database and return the system calls that name files beside it."""
    live = tmp_path / "live"
    bank = make_bank(live / "a.db", journal_mode=mode)
    leave_log(bank) if mode == "wal" else leave_hot_journal(bank)
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-e", "trace=%file", "-o", str(trace), sys.executable, "-c", _PROGRAM, str(bank)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "lambdas")}
    run = subprocess.run(
        [*command, str(tmp_path / "copy.db"), str(optimistic), str(pins)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == method
    calls = [_CALL.match(line) for line in trace.read_text().splitlines() if f'"{live}' in line]
    return [call for call in calls if call]


@needs_strace
@pytest.mark.parametrize(("method", "mode", "optimistic", "pins"), _EVERY_METHOD)
def test_no_file_is_opened_for_writing(tmp_path: Path, method: str, mode: str, optimistic: int, pins: int) -> None:
    """A snapshot makes no system call that could change the source's folder, with or without a crashed writer."""
    calls = _traced(tmp_path, method, mode, optimistic, pins)
    assert {call["call"] for call in calls} <= _READING
    opened = [call["arguments"] for call in calls if call["call"].startswith("open")]
    assert opened
    assert not [arguments for arguments in opened if any(flag in arguments for flag in _WRITING_FLAGS)]


@needs_strace
@pytest.mark.parametrize(("method", "mode", "optimistic", "pins"), _EVERY_METHOD)
def test_the_server_is_asked_before_every_open(
    tmp_path: Path, method: str, mode: str, optimistic: int, pins: int
) -> None:
    """Right before each open of a source file, statx requests the folder with AT_STATX_FORCE_SYNC.

    Without it, a client of a network file system may not see a new -journal or -wal.
    """
    calls = _traced(tmp_path, method, mode, optimistic, pins)
    for before, call in itertools.pairwise(calls):
        if call["call"].startswith("open"):
            assert before["call"] == "statx"
            assert "AT_STATX_FORCE_SYNC" in before["arguments"]
            assert f'"{tmp_path / "live"}"' in before["arguments"]


@needs_strace
@pytest.mark.parametrize("durable", [True, False], ids=["durable", "for scratch"])
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_only_a_durable_copy_is_synced(tmp_path: Path, mode: str, *, durable: bool) -> None:
    """File and folder are synced, except for a copy in scratch, where that would only cost time."""
    bank = make_bank(tmp_path / "live" / "a.db", journal_mode=mode)
    program = (
        "import sys; from pathlib import Path; from sqlitevault.snapshot import SnapshotOptions, take_snapshot\n"
        f"take_snapshot(Path(sys.argv[1]), Path(sys.argv[2]), SnapshotOptions(durable={durable}))"
    )
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync,sync_file_range", "-o", str(trace), sys.executable]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "lambdas")}
    copy = tmp_path / "copy.db"
    subprocess.run([*command, "-c", program, str(bank), str(copy)], env=environment, check=True)
    synced = set(re.findall(r"sync\(\d+<([^>]+)>", trace.read_text()))
    assert require_bank(copy) >= 500
    if durable:
        assert str(tmp_path) in synced
        assert any(path.endswith("/database") for path in synced)
    else:
        assert synced == set()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike pytest's folders."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_folder_without_write_permission(public_folder: Path, mode: str) -> None:
    """A user who can only read the source can take a snapshot of a crashed database."""
    live, copies = public_folder / "live", public_folder / "copies"
    bank = make_bank(live / "a.db", journal_mode=mode)
    leave_log(bank) if mode == "wal" else leave_hot_journal(bank)
    copies.mkdir()
    for path in live.iterdir():
        path.chmod(0o444)
    live.chmod(0o555)
    if os.geteuid() == 0:
        os.chown(copies, _NOBODY, _NOBODY)
    process = multiprocessing.get_context("fork").Process(target=_take_as_nobody, args=(bank, copies / "copy.db"))
    process.start()
    process.join()
    live.chmod(0o755)
    assert process.exitcode == 0
    assert require_bank(copies / "copy.db") >= 500


def _take_as_nobody(bank: Path, copy: Path) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    try:
        (bank.parent / "new").touch()
        os._exit(2)
    except PermissionError:
        os._exit(0 if take_snapshot(bank, copy).recovered else 3)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_all_locks_are_released(tmp_path: Path, mode: str) -> None:
    """Right after a snapshot, successful or not, the application can write, checkpoint and vacuum."""
    bank = make_bank(tmp_path / "a.db", journal_mode=mode)
    with session(bank, "INSERT INTO ledger(note) VALUES ('new')") as application:

        def fail(step: str) -> None:
            if step == "verified":
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            take_snapshot(bank, tmp_path / "copy.db", SnapshotOptions(optimistic_attempts=0, on_step=fail))
        application.run("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA locking_mode = EXCLUSIVE")
        application.run("INSERT INTO ledger(note) VALUES ('alone')")
    assert require_bank(bank) == 502
