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
from sqlitevault.ground.steps import OnBytes
from sqlitevault.snapshot.fresh import Vanished, beside, fresh_open, look
from sqlitevault.snapshot.options import DEFAULTS
from sqlitevault.snapshot.rollback import STALL_SHARE

MOST_READ = 256 << 20
_MOST_SECONDS = 10.0
# Check, digests, dump, compression and upload together, on one core; 22 MB/s were measured.
WORK_BYTES_PER_SECOND = 20e6
_TIGHT = 0.7


def read_sample(source: Path, on_bytes: OnBytes) -> tuple[int, float]:
    """Read the beginning of the source as a snapshot does, with several threads; return the bytes and bytes/second."""
    with fresh_open(source) as descriptor, ThreadPoolExecutor(DEFAULTS.threads) as pool:
        wanted = min(MOST_READ, os.fstat(descriptor).st_size)
        started = time.monotonic()
        read = 0
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

    database_bytes: int
    log_bytes: int
    speed: float
    stalls_writers: bool
    stall_allowed: float
    snapshot_seconds: float
    seconds: float | None
    free: int | None

    @property
    def stall(self) -> float:
        """Seconds for which a copy under the lock blocks writers."""
        return self.database_bytes / self.speed if self.stalls_writers else 0.0

    @property
    def copy_time(self) -> float:
        """Seconds of one copy."""
        return (self.database_bytes + self.log_bytes) / self.speed

    @property
    def backup_time(self) -> float:
        """Seconds of a whole backup."""
        return self.copy_time + self.database_bytes / WORK_BYTES_PER_SECOND

    @property
    def scratch(self) -> int:
        """Bytes of scratch."""
        return SCRATCH_PER_DATABASE_BYTE * self.database_bytes + self.log_bytes

    @property
    def largest(self) -> int:
        """Bytes of the largest database that time and scratch allow."""
        limits = [self.snapshot_seconds * self.speed]
        if self.seconds is not None:
            limits.append(self.seconds / (1 / self.speed + 1 / WORK_BYTES_PER_SECOND))
        if self.free is not None:
            limits.append(self.free / SCRATCH_PER_DATABASE_BYTE)
        return int(min(limits))


def log_bytes(source: Path) -> int:
    """Return the size of the write-ahead log; 0 without one."""
    try:
        return look(beside(source, "-wal")).fingerprint.size
    except (Vanished, PermissionError):
        return 0


def scratch_free(scratch: Path | None) -> int | Finding:
    """Return the free bytes of scratch, or the finding that it cannot be used."""
    try:
        with scratch_directory(scratch) as folder:
            return shutil.disk_usage(folder).free
    except (ConfigError, ScratchFull) as error:
        return problem("scratch space", str(error), error.hint)


def scratch_space(needs: Needs, free: int) -> Finding:
    """Compare the scratch that a backup needs with the free bytes."""
    detail = f"{size(free)} free, a backup needs {size(needs.scratch)}"
    if free < needs.scratch:
        hint = "Free space there, or set SCRATCH_DIR to a larger disk (for a function: its ephemeral storage)."
        return problem("scratch space", detail, hint)
    return ok("scratch space", detail)


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
    detail = f"a copy under the lock would block writers for about {needs.stall:.2f} s; {allowed:.1f} s are allowed"
    if needs.stall > allowed:
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
        f"about {needs.backup_time:.1f} s{limit}, {needs.copy_time:.1f} s of them for the snapshot "
        f"({needs.snapshot_seconds:.0f} s are allowed); "
        f"the largest database that fits has {size(needs.largest)}"
    )
    used = max(needs.copy_time / needs.snapshot_seconds, needs.backup_time / (needs.seconds or float("inf")))
    if used > 1:
        hint = "Give the function more time or memory, or raise SNAPSHOT_TIMEOUT_SECONDS, or shrink the database."
        return problem(name, detail, hint)
    if used > _TIGHT:
        return warning(name, detail, hint="It barely fits: plan for a larger function before the database grows.")
    return ok(name, detail)
