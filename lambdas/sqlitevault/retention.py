"""Which backups may go. Pure: it decides, the caller deletes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backup as retention sees it. `good`: it holds a database that is neither corrupt nor failed its drill."""

    name: str
    database: str
    created_at: datetime
    good: bool


def expired(candidates: Iterable[Candidate], *, retain_days: int, now: datetime) -> tuple[Candidate, ...]:
    """Return the backups older than `retain_days`, oldest first, but never a database's newest good one."""
    oldest_first = sorted(candidates, key=lambda candidate: candidate.created_at)
    newest_good = {candidate.database: candidate for candidate in oldest_first if candidate.good}
    limit = now - timedelta(days=retain_days)
    return tuple(
        candidate
        for candidate in oldest_first
        if candidate.created_at < limit and newest_good.get(candidate.database) is not candidate
    )
