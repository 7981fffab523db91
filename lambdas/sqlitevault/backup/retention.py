"""Retention: decides which backups may be deleted; the caller deletes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlitevault.ground.facts import Tier


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backup. `good`: it holds a database that is not corrupt and has not failed its drill."""

    name: str
    database: str
    created_at: datetime
    good: bool
    tier: Tier = Tier.MANUAL


def expired(candidates: Iterable[Candidate], *, retain_days: int, now: datetime) -> tuple[Candidate, ...]:
    """Return the backups older than `retain_days`, oldest first, except a database's newest good one.

    The newest good one of each schedule is kept too: without it, nothing would show that the schedule has stopped.
    """
    oldest_first = sorted(candidates, key=lambda candidate: candidate.created_at)
    good = [candidate for candidate in oldest_first if candidate.good]
    newest = {candidate.database: candidate for candidate in good}
    of_schedules = {(one.database, one.tier): one for one in good if one.tier is not Tier.MANUAL}
    kept = {*newest.values(), *of_schedules.values()}
    limit = now - timedelta(days=retain_days)
    return tuple(one for one in oldest_first if one.created_at < limit and one not in kept)
