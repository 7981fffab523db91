"""Tests of the doctor's findings, each with its real cause, on real databases and processes."""

import multiprocessing
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sqlitevault.doctor.capacity import WORK_BYTES_PER_SECOND, Needs, duration, scratch_space, writer_stall
from sqlitevault.doctor.examination import examine
from sqlitevault.doctor.file_system import judge_times, look_at_times
from sqlitevault.doctor.report import DoctorReport, Finding, Level
from sqlitevault.doctor.source import permissions
from sqlitevault.ground.errors import SourceCorrupt, SourceNotFound
from sqlitevault.ground.settings import Settings
from sqlitevault.ground.steps import Watcher
from sqlitevault.snapshot.fresh import Fingerprint, View
from tests.crashes import leave_hot_journal, leave_log, leave_super_journal
from tests.databases import execute, make_bank, writer
from tests.sessions import Session, session

_PROGRAM = """
import sys
from pathlib import Path
from sqlitevault.doctor.locking import own_locks
found = own_locks(Path(sys.argv[1]))
print(found.level, found.detail, sep="|")
"""
_HUGE = 1 << 43
_NOBODY = 65534


def _examined(source: Path, watcher: Watcher | None = None, **options: Any) -> DoctorReport:
    settings = Settings.from_env({"DATABASE_PATH": str(source), "SCRATCH_DIR": str(source.parent.parent / "scratch")})
    return examine(settings, watcher, **{"observe_seconds": 0.0, **options})


def _find(report: DoctorReport, name: str) -> Finding:
    return next(finding for finding in report.findings if finding.name == name)


def _found(source: Path, name: str, **options: Any) -> Finding:
    return _find(_examined(source, **options), name)


@pytest.fixture(params=["delete", "wal"])
def bank(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A closed database in rollback or WAL mode."""
    return make_bank(tmp_path / "live" / "a.db", journal_mode=request.param)


@pytest.fixture
def rollback_bank(tmp_path: Path) -> Path:
    """A closed database in rollback mode."""
    return make_bank(tmp_path / "live" / "a.db")


@pytest.fixture
def wal_bank(tmp_path: Path) -> Path:
    """A closed database in WAL mode."""
    return make_bank(tmp_path / "live" / "a.db", journal_mode="wal")


def test_a_healthy_source(bank: Path) -> None:
    """Every finding is ok; the folder's bytes and times are unchanged, no lock is left, and scratch is empty."""
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in bank.parent.iterdir()}
    report = _examined(bank)
    assert report.healthy
    assert {finding.name for finding in report.findings if finding.level is not Level.OK} <= {"file system"}
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in bank.parent.iterdir()} == before
    assert list((bank.parent.parent / "scratch").iterdir()) == []
    execute(bank, "PRAGMA locking_mode = EXCLUSIVE", "DELETE FROM ledger")


def test_the_report_is_json(bank: Path) -> None:
    """The JSON report has the findings and the verdict."""
    document = _examined(bank).to_dict()
    assert document["healthy"] is True
    assert document["capacity"]["bytes"] == bank.stat().st_size
    assert {finding["level"] for finding in document["findings"]} <= {"ok", "warning"}


class Committing(Watcher):
    """Makes the application take its strongest lock when a step begins."""

    def __init__(self, application: Session) -> None:
        """Begin without an answer."""
        self._application = application
        self.answers: list[str] = []

    def started(self, step: str, total_bytes: int | None) -> None:  # noqa: ARG002
        """Record SQLite's answer."""
        self.answers += [self._application.attempt(statement) for statement in ("BEGIN EXCLUSIVE", "COMMIT")]


def test_a_writer_is_never_blocked(rollback_bank: Path) -> None:
    """While the doctor holds its lock, the application takes the strongest lock at once."""
    with session(rollback_bank, timeout=0) as application:
        watcher = Committing(application)
        report = _examined(rollback_bank, watcher, hold_seconds=0.05)
    assert watcher.answers == ["done"] * 4
    assert _find(report, "held lock").level is Level.OK


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(None, SourceNotFound, id="missing"),
        pytest.param(b"", SourceCorrupt, id="empty"),
        pytest.param(b"no database" * 100, SourceCorrupt, id="another file"),
    ],
)
def test_other_files_are_not_examined(tmp_path: Path, content: bytes | None, error: type[Exception]) -> None:
    """A file that is not a database raises the same error as for a backup."""
    source = tmp_path / "live" / "a.db"
    source.parent.mkdir()
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(error):
        _examined(source)


def test_the_journal_mode_and_its_hazards(bank: Path) -> None:
    """The report names the journal mode and the unsafe values of `synchronous` in that mode."""
    report = _examined(bank)
    in_wal_mode = report.journal_mode == "wal"
    assert _find(report, "journal mode").detail.startswith("WAL" if in_wal_mode else "rollback journal")
    assert ("synchronous=OFF with WAL" in _find(report, "synchronous").hint) == in_wal_mode
    assert ("half a transaction" in _find(report, "synchronous").hint) != in_wal_mode


def test_a_newer_sqlite_is_a_warning(rollback_bank: Path) -> None:
    """The version in the header is compared by its numbers, not as text."""
    assert _found(rollback_bank, "SQLite version").level is Level.OK
    with rollback_bank.open("r+b") as file:
        os.pwrite(file.fileno(), struct.pack(">I", 3_100_002), 96)
    found = _found(rollback_bank, "SQLite version")
    assert found.level is Level.WARNING
    assert "written by 3.100.2" in found.detail


def test_locks_of_others_are_visible(rollback_bank: Path) -> None:
    """A transaction of the application is visible, and is not a fault."""
    assert "none seen" in _found(rollback_bank, "others' locks").detail
    with session(rollback_bank, "BEGIN IMMEDIATE"):
        found = _found(rollback_bank, "others' locks")
    assert found.level is Level.OK
    assert "a connection that writes" in found.detail


def test_an_idle_wal_connection_is_visible(wal_bank: Path) -> None:
    """An idle WAL connection is visible, which proves that locks reach another host if it runs there."""
    with session(wal_bank, "SELECT * FROM accounts"):
        assert "has the database open in WAL mode" in _found(wal_bank, "others' locks").detail
    assert "none seen" in _found(wal_bank, "others' locks").detail


_FAULTS = [
    pytest.param("error=ENOLCK", "problem|", "does not support file locks", id="no locks"),
    pytest.param("error=EACCES", "problem|", "", id="refused"),
    pytest.param("error=EIO", "problem|", "Input/output error", id="lost server"),
    pytest.param("retval=0", "problem|", "is not visible through another", id="without effect"),
    pytest.param(None, "ok|", "visible through another, and released", id="working"),
]


@pytest.mark.skipif(not shutil.which("strace"), reason="strace, which makes system calls fail, is not installed")
@pytest.mark.parametrize(("fault", "level", "detail"), _FAULTS)
def test_locks_that_do_not_work(rollback_bank: Path, fault: str | None, level: str, detail: str) -> None:
    """Locks are a problem if the kernel refuses them, loses them, or pretends to take them."""
    trace = rollback_bank.parent.parent / "trace"
    undisturbed = _under_strace(trace, "trace=fcntl", rollback_bank)
    if fault is not None:
        before = trace.read_text().partition("F_OFD_")[0].count("\n")  # Python's own calls must succeed
        printed = _under_strace(trace, f"inject=fcntl:{fault}:when={before + 1}+", rollback_bank)
    else:
        printed = undisturbed
    assert printed.startswith(level)
    assert detail in printed


def _under_strace(trace: Path, what: str, database: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "lambdas")}
    command = ["strace", "-f", "-o", str(trace), "-e", what, sys.executable, "-c", _PROGRAM, str(database)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_hot_journal_is_a_warning(rollback_bank: Path) -> None:
    """A killed writer left half a transaction; the warning ends when the application opens the database."""
    leave_hot_journal(rollback_bank)
    found = _found(rollback_bank, "side files")
    assert found.level is Level.WARNING
    assert "hot journal" in found.detail
    execute(rollback_bank, "DELETE FROM ledger WHERE id = 1")
    assert _found(rollback_bank, "side files").level is Level.OK


def test_the_journal_of_a_live_writer_is_not_hot(rollback_bank: Path) -> None:
    """The journal of an open transaction is ok."""
    spill = ("PRAGMA cache_size = 5", "BEGIN IMMEDIATE", "UPDATE ledger SET note = note || 'x'")
    with session(rollback_bank, *spill):
        assert rollback_bank.with_name("a.db-journal").stat().st_size
        assert _found(rollback_bank, "side files").level is Level.OK


@pytest.mark.skipif(not shutil.which("strace"), reason="strace, which kills at a system call, is not installed")
def test_a_crash_over_several_databases_is_a_problem(rollback_bank: Path) -> None:
    """A journal of a crash over several databases is a problem, because every backup would fail."""
    leave_super_journal(rollback_bank)
    found = _found(rollback_bank, "side files")
    assert found.level is Level.PROBLEM
    assert "several attached databases" in found.detail


def test_a_log_without_a_connection_is_a_warning(wal_bank: Path) -> None:
    """The log of a killed application is a warning; a log in use is not."""
    leave_log(wal_bank)
    assert _found(wal_bank, "side files").level is Level.WARNING
    with session(wal_bank, "SELECT * FROM accounts"):
        assert _found(wal_bank, "side files").level is Level.OK


def test_a_log_larger_than_the_database_is_a_warning(wal_bank: Path) -> None:
    """A huge log, which a reader that never ends causes, is a warning; here it is made that large at once."""
    with session(wal_bank, "UPDATE accounts SET balance = -balance"):
        os.truncate(wal_bank.with_name("a.db-wal"), 65 << 20)
        found = _found(wal_bank, "side files")
    assert found.level is Level.WARNING
    assert "more than the database" in found.detail


def test_a_log_of_another_database_is_a_problem(tmp_path: Path) -> None:
    """A log beside a database in rollback mode or with another page size is a problem: SQLite would damage the data."""
    for number, prepare in enumerate(("PRAGMA journal_mode = DELETE", "PRAGMA page_size = 8192")):
        source = tmp_path / str(number) / "a.db"
        other = make_bank(tmp_path / str(number) / "other.db", journal_mode="wal")
        with closing(sqlite3.connect(source)) as connection:
            connection.execute(prepare)
            connection.execute(f"PRAGMA journal_mode = {'delete' if not number else 'wal'}")
            connection.execute("CREATE TABLE t (x)")
        leave_log(other)
        other.with_name("other.db-wal").rename(source.with_name("a.db-wal"))
        assert _found(source, "side files").level is Level.PROBLEM


def test_a_database_that_everybody_can_write_is_a_warning(rollback_bank: Path) -> None:
    """Mode 666 is reported, 644 is not."""
    assert _found(rollback_bank, "permissions").level is Level.OK
    rollback_bank.chmod(0o666)
    assert _found(rollback_bank, "permissions").level is Level.WARNING


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("mode", "level"), [(0o644, Level.OK), (0o600, Level.PROBLEM)], ids=["readable", "private"])
def test_an_unreadable_log_is_a_problem(mode: int, level: Level) -> None:
    """A log that cannot be read is a problem, because every snapshot would fail."""
    with tempfile.TemporaryDirectory() as folder:  # only the current user can enter pytest's folders
        Path(folder).chmod(0o755)
        bank = make_bank(Path(folder) / "a.db", journal_mode="wal")
        leave_log(bank)
        bank.with_name("a.db-wal").chmod(mode)
        process = multiprocessing.get_context("fork").Process(target=_examine_as_nobody, args=(bank, level))
        process.start()
        process.join()
    assert process.exitcode == 0


def _examine_as_nobody(source: Path, level: Level) -> None:
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)
    found = permissions(source)
    os._exit(0 if found.level is level and ("a.db-wal" in found.detail) == (level is Level.PROBLEM) else 1)


@pytest.mark.parametrize(
    ("times", "level", "detail"),
    [
        pytest.param((5, 5), Level.OK, "observed: they moved", id="both move"),
        pytest.param((0, 5), Level.WARNING, "its change time moved", id="set back"),
        pytest.param((0, 0), Level.PROBLEM, "neither", id="neither moves"),
    ],
)
def test_times_of_a_write(times: tuple[int, int], level: Level, detail: str) -> None:
    """A write that does not change the file's times is reported, because it makes copies without locks wrong."""
    before = (View(b"counter 1", Fingerprint(1, 2, 4096, 1_000_001, 1_000_001)), None)
    now = Fingerprint(1, 2, 4096, 1_000_001 + times[0], 1_000_001 + times[1])
    found = judge_times(before, (View(b"counter 2", now), None), 1.0)
    assert found.level is level
    assert detail in found.detail


def test_times_in_whole_seconds_are_a_problem() -> None:
    """Times in whole seconds are a problem, because two writes within a second look like one."""
    seen = (View(b"x", Fingerprint(1, 2, 4096, 7_000_000_000, 7_000_000_000)), None)
    assert judge_times(seen, seen, 1.0).level is Level.PROBLEM


def test_a_real_write_moves_the_times(bank: Path) -> None:
    """A commit of the application is observed, even if it only reached the log."""
    before = look_at_times(bank)
    quiet = judge_times(before, look_at_times(bank), 1.0)
    assert "not observed" in quiet.detail
    assert ("35 s late" in quiet.hint) == (before[1] is not None)
    execute(bank, "DELETE FROM ledger WHERE id = 1")
    assert judge_times(before, look_at_times(bank), 1.0).detail.startswith("observed")


def test_a_time_that_is_set_back_is_detected(rollback_bank: Path) -> None:
    """A restored modification time hides a write, but the change time reveals it."""
    facts, before = rollback_bank.stat(), look_at_times(rollback_bank)
    execute(rollback_bank, "DELETE FROM ledger WHERE id = 1")
    os.utime(rollback_bank, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
    assert judge_times(before, look_at_times(rollback_bank), 1.0).level is Level.WARNING


def test_a_busy_application_is_observed(bank: Path) -> None:
    """The times of a constantly written database move during a short observation."""
    with writer(bank):
        looks = (
            _found(bank, "file times", observe_seconds=0.3) for _ in range(20)
        )  # a loaded machine starves a writer
        assert any(found.detail.startswith("observed") for found in looks)


def test_too_little_scratch_and_time_is_a_problem(rollback_bank: Path) -> None:
    """A database of 8 TiB (sparse) exceeds scratch, time and stall; the report gives the largest size that fits."""
    os.truncate(rollback_bank, _HUGE)
    report = _examined(rollback_bank, seconds=900.0)
    assert {finding.name for finding in report.problems} == {"scratch space", "backup time"}
    assert _find(report, "writer stall").level is Level.WARNING
    assert not report.healthy
    assert 0 < report.capacity.largest_bytes < _HUGE
    assert report.capacity.bytes == _HUGE


def test_an_unusable_scratch_folder_is_a_problem(rollback_bank: Path) -> None:
    """A scratch folder whose path is a file is a problem."""
    blocked = rollback_bank.parent.parent / "scratch"
    blocked.write_text("")
    report = _examined(rollback_bank)
    assert [finding.name for finding in report.problems] == ["scratch space"]
    assert report.capacity.scratch_free_bytes is None


def _needs(**changed: object) -> Needs:
    made = Needs(
        bytes=1_000_000_000,
        log_bytes=0,
        read_bytes_per_second=100e6,
        stalls_writers=True,
        stall_allowed=15.0,
        snapshot_seconds=100.0,
        seconds=None,
        scratch_free_bytes=None,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        pytest.param({}, Level.OK, id="10 of 12 s"),
        pytest.param({"stall_allowed": 12.0}, Level.WARNING, id="10 of 9.6 s"),
        pytest.param({"stall_allowed": 1.0, "stalls_writers": False}, Level.OK, id="WAL"),
    ],
)
def test_the_stall_is_compared_with_the_allowed_stall(changed: dict[str, object], level: Level) -> None:
    """The doctor allows the same share of the limit as the snapshot; in WAL mode there is no stall."""
    assert writer_stall(_needs(**changed)).level is level


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        pytest.param({}, Level.OK, id="nobody ends it"),
        pytest.param({"seconds": 900.0}, Level.OK, id="60 of 900 s"),
        pytest.param({"seconds": 70.0}, Level.WARNING, id="60 of 70 s"),
        pytest.param({"seconds": 50.0}, Level.PROBLEM, id="60 of 50 s"),
        pytest.param({"snapshot_seconds": 5.0}, Level.PROBLEM, id="snapshot too slow"),
        pytest.param({"log_bytes": 20_000_000_000}, Level.PROBLEM, id="a huge log"),
    ],
)
def test_the_time_is_compared_with_its_limits(changed: dict[str, object], level: Level) -> None:
    """10 s for the copy and 50 s for the rest are compared with the limits."""
    assert duration(_needs(**changed)).level is level


def test_the_largest_database_fits_exactly() -> None:
    """The tightest limit of time, snapshot time and scratch gives the largest size, which just fits."""
    by_time = _needs(seconds=600.0, snapshot_seconds=1e9).largest_bytes
    assert by_time / 100e6 + by_time / WORK_BYTES_PER_SECOND == pytest.approx(600)
    assert _needs(scratch_free_bytes=3000).largest_bytes == 1000
    assert _needs(snapshot_seconds=2.0).largest_bytes == 200_000_000


def test_sizes_are_printed_as_by_every_verb(tmp_path: Path) -> None:
    """Gigabytes are printed as gigabytes, not as megabytes."""
    _, found = scratch_space(tmp_path, 25_661_000_000, 33_300)
    assert found.detail.endswith(" free, a backup needs 77.0 GB")
