"""Capacity: the read speed of this host, and the backup time, writer stall and scratch space that follow from it."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlitevault.backup.backup import SCRATCH_PER_DATABASE_BYTE
from sqlitevault.doctor.report import Finding, ok, problem, warning
from sqlitevault.ground.errors import ConfigError, ScratchFull
from sqlitevault.ground.quantities import size
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps
from sqlitevault.snapshot.fresh import fresh_open
from sqlitevault.snapshot.options import DEFAULTS
from sqlitevault.snapshot.rollback import STALL_SHARE

_MOST_READ = 256 << 20
_MOST_SECONDS = 10.0
# Check, digests, dump, compression and upload together, on one core; 22 MB/s were measured.
WORK_BYTES_PER_SECOND = 20e6
_TIGHT = 0.7


def read_sample(source: Path, steps: Steps) -> tuple[int, float]:
    """Read the beginning of the source as a snapshot does, with several threads; return the bytes and bytes/second."""
    wanted = min(_MOST_READ, source.stat().st_size)
    with (
        steps.step("read", wanted) as on_bytes,
        fresh_open(source) as descriptor,
        ThreadPoolExecutor(DEFAULTS.threads) as pool,
    ):
        started, read = time.monotonic(), 0
        for count in pool.map(partial(_piece, descriptor, started), range(0, wanted, DEFAULTS.chunk_bytes)):
            read += count
            on_bytes(count)
        return read, max(read, 1) / max(time.monotonic() - started, 1e-6)


def _piece(descriptor: int, started: float, offset: int) -> int:
    if time.monotonic() - started > _MOST_SECONDS:
        return 0
    return len(os.pread(descriptor, DEFAULTS.chunk_bytes, offset))


@dataclass(frozen=True, slots=True)
class Needs:
    """What a backup of the source needs, and what is available; `seconds` is None without a time limit."""

    bytes: int
    log_bytes: int
    read_bytes_per_second: float
    stalls_writers: bool
    stall_allowed: float
    snapshot_seconds: float
    seconds: float | None
    scratch_free_bytes: int | None

    @property
    def writer_stall_seconds(self) -> float:
        """The time for which a copy under the lock blocks writers."""
        return self.bytes / self.read_bytes_per_second if self.stalls_writers else 0.0

    @property
    def copy_seconds(self) -> float:
        """The time of one copy."""
        return (self.bytes + self.log_bytes) / self.read_bytes_per_second

    @property
    def backup_seconds(self) -> float:
        """The time of a whole backup."""
        return self.copy_seconds + self.bytes / WORK_BYTES_PER_SECOND

    @property
    def largest_bytes(self) -> int:
        """Size of the largest database that time and scratch allow."""
        limits = [self.snapshot_seconds * self.read_bytes_per_second]
        if self.seconds is not None:
            limits.append(self.seconds / (1 / self.read_bytes_per_second + 1 / WORK_BYTES_PER_SECOND))
        if self.scratch_free_bytes is not None:
            limits.append(self.scratch_free_bytes / SCRATCH_PER_DATABASE_BYTE)
        return int(min(limits))


def scratch_space(scratch: Path | None, database_bytes: int, log_bytes: int) -> tuple[int | None, Finding]:
    """Compare the free bytes of scratch with those that a backup needs; return them, or None if it cannot be used."""
    name, needed = "scratch space", SCRATCH_PER_DATABASE_BYTE * database_bytes + log_bytes
    try:
        with scratch_directory(scratch) as folder:
            free = shutil.disk_usage(folder).free
    except (ConfigError, ScratchFull) as error:
        return None, problem(name, str(error), error.hint)
    detail = f"{size(free)} free, a backup needs {size(needed)}"
    if free < needed:
        hint = "Free space there, or set SCRATCH_DIR to a larger disk (for a function: its ephemeral storage)."
        return free, problem(name, detail, hint)
    return free, ok(name, detail)


def read_speed(speed: float, read: int) -> Finding:
    """Report the measured speed."""
    detail = f"{size(round(speed))}/s over {size(read)}"
    return ok("read speed", f"{detail}; data in this host's cache reads faster than the first time")


def writer_stall(needs: Needs) -> Finding:
    """Compare the time for which a copy blocks writers with the allowed stall."""
    name = "writer stall"
    if not needs.stalls_writers:
        return ok(name, "none: in WAL mode a snapshot blocks no writer")
    allowed = STALL_SHARE * needs.stall_allowed
    stall = needs.writer_stall_seconds
    detail = f"a copy under the lock would block writers for about {stall:.2f} s; {allowed:.1f} s are allowed"
    if stall > allowed:
        hint = (
            "Backups then need a pause between writes as long as the copy, and fail without one. Switch the "
            "application to WAL mode, or raise MAX_WRITER_STALL_SECONDS together with its busy timeout."
        )
        return warning(name, detail, hint)
    return ok(name, detail)


def duration(needs: Needs) -> Finding:
    """Compare the time of a backup with its limit, and report the largest database that fits."""
    name = "backup time"
    limit = f" of {needs.seconds:.0f} s" if needs.seconds is not None else ""
    detail = (
        f"about {needs.backup_seconds:.1f} s{limit}, {needs.copy_seconds:.1f} s of them for the snapshot "
        f"({needs.snapshot_seconds:.0f} s are allowed); the largest database that fits has {size(needs.largest_bytes)}"
    )
    used = max(needs.copy_seconds / needs.snapshot_seconds, needs.backup_seconds / (needs.seconds or float("inf")))
    if used > 1:
        hint = "Give the function more time or memory, or raise SNAPSHOT_TIMEOUT_SECONDS, or shrink the database."
        return problem(name, detail, hint)
    if used > _TIGHT:
        return warning(name, detail, hint="It barely fits: plan for a larger function before the database grows.")
    return ok(name, detail)
