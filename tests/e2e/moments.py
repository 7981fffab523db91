"""Times for schedules: a backup is named by its second, so no two tests may fire in the same one."""

import time
from datetime import UTC, datetime


def fresh_moment() -> datetime:
    """Return the present second, one that no call before has returned."""
    time.sleep(1)
    return datetime.now(UTC).replace(microsecond=0)
