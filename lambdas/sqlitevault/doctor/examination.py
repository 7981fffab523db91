"""The examination: all findings, in the order in which people read them."""

import os
import socket
import time
from collections.abc import Iterator
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
    with locking.holding(real, hold_seconds, steps) as held:
        before, started = file_system.look_at_times(real), time.monotonic()
        own = locking.own_locks(real)
        needs, measured = _measured(settings, seconds, before, header, capacity.read_sample(real, steps))
        time.sleep(max(0.0, observe_seconds - (time.monotonic() - started)))
        times = file_system.judge_times(before, file_system.look_at_times(real), time.monotonic() - started)
    return DoctorReport(
        source=str(real),
        host=socket.gethostname(),
        journal_mode=header.journal_mode,
        capacity=Capacity.model_validate(needs, from_attributes=True),
        findings=(*_of_the_files(real, header), own, others, *held, times, *measured),
    )


def _of_the_files(real: Path, header: Header) -> Iterator[Finding]:
    yield from (source.permissions(real), file_system.check_mount(real))
    yield from (check(header) for check in (source.journal_mode, source.synchronous, source.sqlite_version))
    yield source.side_files(real)


def _measured(
    settings: Settings, seconds: float | None, seen: file_system.State, header: Header, sample: tuple[int, float]
) -> tuple[capacity.Needs, tuple[Finding, ...]]:
    (database, log), (read, speed) = seen, sample
    database_bytes, log_bytes = database.fingerprint.size, log.fingerprint.size if log else 0
    free, room = capacity.scratch_space(settings.scratch, database_bytes, log_bytes)
    needs = capacity.Needs(
        bytes=database_bytes,
        log_bytes=log_bytes,
        read_bytes_per_second=speed,
        stalls_writers=header.journal_mode == "rollback",
        stall_allowed=settings.max_writer_stall_seconds,
        snapshot_seconds=settings.snapshot_timeout_seconds,
        seconds=seconds,
        scratch_free_bytes=free,
    )
    return needs, (room, capacity.read_speed(speed, read), capacity.writer_stall(needs), capacity.duration(needs))
