"""The examination: all findings, in the order in which people read them."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlitevault.database.header import Header, read_header
from sqlitevault.doctor import capacity, file_system, locking, source
from sqlitevault.doctor.report import Capacity, DoctorReport, Finding
from sqlitevault.ground.settings import Settings
from sqlitevault.ground.steps import Steps, Watcher


def examine(
    settings: Settings,
    watcher: Watcher | None = None,
    *,
    hold_seconds: float = 0.0,
    seconds: float | None = None,
    observe_seconds: float = 1.0,
) -> DoctorReport:
    """Examine the source from this host, read-only, against the limits in the settings.

    Args:
        settings: name the source, scratch and the limits.
        watcher: sees the progress.
        hold_seconds: how long to hold a lock that a doctor on another host can detect.
        seconds: the time that a whole backup may take; None without a limit.
        observe_seconds: how long to wait for a write of the application.

    Raises:
        SourceNotFound: the database does not exist or may not be read.
        SourceCorrupt, SourceUnsupported: the file is not a database, or has a newer format.
    """
    real = Path(os.path.realpath(settings.database_path))
    header, steps = read_header(real), Steps(watcher)
    others = locking.others(real)
    with _holding(real, hold_seconds, steps) as held:
        before, started = file_system.look_at_times(real), time.monotonic()
        own = locking.own_locks(real)
        measured, findings = _measured(settings, seconds, real, header, steps)
        time.sleep(max(0.0, observe_seconds - (time.monotonic() - started)))
        times = file_system.judge_times(before, file_system.look_at_times(real), time.monotonic() - started)
    return DoctorReport(
        source=str(real),
        host=socket.gethostname(),
        journal_mode=header.journal_mode,
        capacity=measured,
        findings=(*_of_the_files(real, header), own, others, *held, times, *findings),
    )


def _of_the_files(real: Path, header: Header) -> Iterator[Finding]:
    yield from (source.permissions(real), file_system.check_mount(real))
    yield from (check(header) for check in (source.journal_mode, source.synchronous, source.sqlite_version))
    yield source.side_files(real)


@contextmanager
def _holding(real: Path, seconds: float, steps: Steps) -> Iterator[list[Finding]]:
    """Hold the detectable lock for `seconds` and until the body has ended; give a list for the finding."""
    findings: list[Finding] = []
    if not seconds:
        yield findings
        return
    until = time.monotonic() + seconds
    with locking.marked(real) as held:
        findings.append(locking.hold_finding(seconds, held=held))
        yield findings
        with steps.step("hold a lock for others to see"):
            time.sleep(max(0.0, until - time.monotonic()) if held else 0.0)


def _measured(
    settings: Settings, seconds: float | None, real: Path, header: Header, steps: Steps
) -> tuple[Capacity, tuple[Finding, ...]]:
    size = real.stat().st_size
    with steps.step("read", min(size, capacity.MOST_READ)) as on_bytes:
        read, speed = capacity.read_sample(real, on_bytes)
    free = capacity.scratch_free(settings.scratch)
    needs = capacity.Needs(
        database_bytes=size,
        log_bytes=capacity.log_bytes(real),
        speed=speed,
        stalls_writers=header.journal_mode == "rollback",
        stall_allowed=settings.max_writer_stall_seconds,
        snapshot_seconds=settings.snapshot_timeout_seconds,
        seconds=seconds,
        free=None if isinstance(free, Finding) else free,
    )
    room = free if isinstance(free, Finding) else capacity.scratch_space(needs, free)
    measured = Capacity(
        bytes=size,
        read_bytes_per_second=int(speed),
        writer_stall_seconds=needs.stall,
        backup_seconds=needs.backup_time,
        largest_bytes=needs.largest,
        scratch_free_bytes=needs.free,
    )
    return measured, (room, capacity.read_speed(speed, read), capacity.writer_stall(needs), capacity.duration(needs))
