"""Which backups may go. Pure: it decides, the caller deletes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlitevault.ground.facts import Tier


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backup as retention sees it. `good`: it holds a database that is neither corrupt nor failed its drill."""

    name: str
    database: str
    created_at: datetime
    good: bool
    tier: Tier = Tier.MANUAL


def expired(candidates: Iterable[Candidate], *, retain_days: int, now: datetime) -> tuple[Candidate, ...]:
    """Return the backups older than `retain_days`, oldest first, but never a database's newest good one.

    Nor the newest good one of each of its schedules: with it would go the memory that the schedule has stopped.
    """
    oldest_first = sorted(candidates, key=lambda candidate: candidate.created_at)
    good = [candidate for candidate in oldest_first if candidate.good]
    newest = {candidate.database: candidate for candidate in good}
    of_schedules = {(one.database, one.tier): one for one in good if one.tier is not Tier.MANUAL}
    kept = {*newest.values(), *of_schedules.values()}
    limit = now - timedelta(days=retain_days)
    return tuple(one for one in oldest_first if one.created_at < limit and one not in kept)
