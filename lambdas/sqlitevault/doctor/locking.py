"""Locks: whether they work on this host, and which locks of other programs are visible.

Only bytes that SQLite never locks are used, beyond its own at 1 GiB (src/os.h), so no program ever waits for them.
"""

import fcntl
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlitevault.doctor.report import Finding, ok, problem
from sqlitevault.ground.errors import SourceUnsupported
from sqlitevault.ground.steps import Steps
from sqlitevault.snapshot.fresh import Unreadable, fresh_open
from sqlitevault.snapshot.locks import SHARED, connections_seen, holder, try_read_lock, unlock

_BEYOND_SQLITE = SHARED[0] + SHARED[1]
# Held by a doctor so that another can detect it.
_MARK = (_BEYOND_SQLITE + 64, 1)
_TESTED_FROM = _BEYOND_SQLITE + 128
_TESTED_BYTES = 1 << 20

_NAME = "locks"
_HINT = (
    "Mount the file system with working locks (for NFS: version 4, without nolock or local_lock); on EFS the role must "
    "be allowed elasticfilesystem:ClientMount through the access point."
)


def own_locks(source: Path) -> Finding:
    """Check that a read lock taken through one open file is visible through another, and its release too.

    Both files are open on this host, so this only proves that the file system accepts locks from a read-only
    descriptor; `others` shows whether they reach other hosts.
    """
    # A random byte, so that two doctors at the same time do not mistake each other's lock for their own.
    where = (_TESTED_FROM + random.randrange(_TESTED_BYTES), 1)
    try:
        with fresh_open(source) as first, fresh_open(source) as second:
            if not try_read_lock(first, where):
                return problem(_NAME, "a read lock on a free byte is refused", _HINT)
            seen = holder(second, where)
            unlock(first, where)
            left = holder(second, where)
    except SourceUnsupported as error:
        return problem(_NAME, str(error), error.hint)
    except (OSError, Unreadable) as error:
        return problem(_NAME, f"a read lock cannot be taken: {error}", _HINT)
    if seen != fcntl.F_RDLCK:
        return problem(_NAME, "a read lock taken through one open file is not visible through another", _HINT)
    if left is not None:
        return problem(_NAME, "a released lock is still visible", _HINT)
    return ok(_NAME, "taken with a read-only descriptor, visible through another, and released")


def others(source: Path) -> Finding:
    """Report the locks of other programs; a visible lock of another host proves that locks travel."""
    try:
        with fresh_open(source) as descriptor:
            doctor = holder(descriptor, _MARK) is not None
        seen = list(connections_seen(source))
    except (SourceUnsupported, PermissionError) as error:
        return problem("others' locks", f"cannot be checked: {error}", _HINT)
    if doctor:
        seen.append("another `sqlitevault doctor --hold`")
    if seen:
        return ok("others' locks", f"seen: {'; '.join(seen)}")
    return ok(
        "others' locks",
        "none seen (an idle connection in rollback mode holds none)",
        hint="To prove that locks travel between hosts, run `sqlitevault doctor --hold 60` on the other host and "
        "`sqlitevault doctor` here meanwhile.",
    )


@contextmanager
def holding(source: Path, seconds: float, steps: Steps) -> Iterator[tuple[Finding, ...]]:
    """Hold the lock that other doctors look for and SQLite ignores, for `seconds` and until the body has ended.

    Gives the finding about it; for 0 seconds it takes no lock and gives none.
    """
    if not seconds:
        yield ()
        return
    host, until = os.uname().nodename, time.monotonic() + seconds
    with fresh_open(source) as descriptor:  # closing it releases the lock
        try:
            held = try_read_lock(descriptor, _MARK)
        except (SourceUnsupported, OSError):
            held = False
        if not held:
            yield (problem("held lock", f"{host} could not take a lock for others to see", _HINT),)
            return
        yield (ok("held lock", f"{host} held a lock for {seconds:g} s that a doctor on another host must see"),)
        with steps.step("hold a lock for others to see"):
            time.sleep(max(0.0, until - time.monotonic()))
