"""Times for schedules: backups are named by the second, so tests must not fire two in the same one."""

import time
from datetime import UTC, datetime


def fresh_moment() -> datetime:
    """Return the present second, or a later one that no earlier call returned."""
    time.sleep(1)
    return datetime.now(UTC).replace(microsecond=0)
