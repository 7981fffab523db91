"""Sizes, durations and times."""

from datetime import UTC, datetime, timedelta

# Clocks of two machines may differ by this much.
_CLOCKS = timedelta(minutes=5)


def size(count: int | None) -> str:
    """Return a number of bytes for people: `42 B`, `1.5 MB`; `-` if it is unknown."""
    if count is None:
        return "-"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:  # noqa: PLR2004
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def counted(count: int, noun: str) -> str:
    """Return a number of things for people: `1 table`, `1,200 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """Return a duration for people: `42 s`, `17 min`, `5 h 12 min`, `3 d 4 h`."""
    span = timedelta(seconds=max(0, round(seconds)))
    hours, rest = divmod(span.seconds, 3600)
    minutes = rest // 60
    if span.days:
        return f"{span.days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{span.seconds} s"


def format_time(moment: datetime) -> str:
    """Return `moment` as RFC 3339 in UTC, to the second: `2026-01-31T02:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Return whether `moment` is further in the future than clocks may differ: it would stay the newest until then."""
    return moment - now > _CLOCKS
