"""All examinations, in the order in which people read them."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlitevault.database.header import Header, read_header
from sqlitevault.doctor import capacity, locking, mounts, source
from sqlitevault.doctor.report import Capacity, DoctorReport, Finding
from sqlitevault.doctor.times import judge_times, look_at_times
from sqlitevault.ground.settings import Settings
from sqlitevault.ground.steps import Steps, Watcher


@dataclass(frozen=True, slots=True)
class DoctorRequest:
    """What to examine, and against which limits; times are seconds.

    Attributes:
        seconds: that a whole backup may take; None where nobody ends it.
        hold_seconds: for which a lock is held that a doctor on another host must see.
        observe_seconds: for which a write of the application is waited for.
    """

    source: Path
    scratch: Path | None
    max_writer_stall_seconds: float
    snapshot_seconds: float
    seconds: float | None = None
    hold_seconds: float = 0.0
    observe_seconds: float = 1.0

    @classmethod
    def of(cls, settings: Settings, *, hold_seconds: float = 0.0, seconds: float | None = None) -> "DoctorRequest":
        """Take the limits from the settings."""
        return cls(
            source=settings.database_path,
            scratch=settings.scratch,
            max_writer_stall_seconds=settings.max_writer_stall_seconds,
            snapshot_seconds=settings.snapshot_timeout_seconds,
            seconds=seconds,
            hold_seconds=hold_seconds,
        )


def examine(request: DoctorRequest, watcher: Watcher | None = None) -> DoctorReport:
    """Examine the source from this host, read-only.

    Raises:
        SourceNotFound: there is no database, or it may not be read.
        SourceCorrupt, SourceUnsupported: what is there is no database, or one of a newer format.
    """
    real = Path(os.path.realpath(request.source))
    header = read_header(real)
    others = locking.others(real)
    with _holding(real, request.hold_seconds, Steps(watcher)) as held:
        before, started = look_at_times(real), time.monotonic()
        own = locking.own_locks(real)
        measured, findings = _measure(request, real, header, Steps(watcher))
        time.sleep(max(0.0, request.observe_seconds - (time.monotonic() - started)))
        times = judge_times(before, look_at_times(real), time.monotonic() - started)
    return DoctorReport(
        source=str(real),
        host=socket.gethostname(),
        journal_mode=header.journal_mode,
        capacity=measured,
        findings=(*_of_the_files(real, header), own, others, *held, times, *findings),
    )


def _of_the_files(real: Path, header: Header) -> tuple[Finding, ...]:
    return (
        source.permissions(real),
        mounts.file_system(real),
        source.journal_mode(header),
        source.synchronous(header),
        source.sqlite_version(header),
        source.side_files(real),
    )


@contextmanager
def _holding(real: Path, seconds: float, steps: Steps) -> Iterator[list[Finding]]:
    """Hold a lock for others to see, so long and until the body has ended; give the place for the finding."""
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


def _measure(request: DoctorRequest, real: Path, header: Header, steps: Steps) -> tuple[Capacity, tuple[Finding, ...]]:
    size = real.stat().st_size
    with steps.step("read", min(size, capacity.MOST_READ)) as on_bytes:
        sample = capacity.read_sample(real, on_bytes)
    free = capacity.scratch_free(request.scratch)
    needs = capacity.Needs(
        database_bytes=size,
        log_bytes=capacity.log_bytes(real),
        speed=sample.speed,
        stalls_writers=header.journal_mode == "rollback",
        stall_allowed=request.max_writer_stall_seconds,
        snapshot_seconds=request.snapshot_seconds,
        seconds=request.seconds,
        free=None if isinstance(free, Finding) else free,
    )
    room = free if isinstance(free, Finding) else capacity.scratch_space(needs, free)
    speed, stall, time_needed = capacity.read_speed(sample), capacity.writer_stall(needs), capacity.duration(needs)
    return _capacity(needs), (room, speed, stall, time_needed)


def _capacity(needs: capacity.Needs) -> Capacity:
    return Capacity(
        bytes=needs.database_bytes,
        read_bytes_per_second=int(needs.speed),
        writer_stall_seconds=needs.stall,
        backup_seconds=needs.backup_time,
        largest_bytes=needs.largest,
        scratch_free_bytes=needs.free,
    )
