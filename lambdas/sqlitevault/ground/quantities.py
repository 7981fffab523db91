"""Sizes and durations as people read them."""

from datetime import timedelta


def size(count: int | None) -> str:
    """Return a number of bytes as people read it."""
    if count is None:
        return "-"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:  # noqa: PLR2004
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def duration(seconds: float) -> str:
    """Return a duration as people read it: `42 s`, `17 min`, `5 h 12 min`, `3 d 4 h`."""
    span = timedelta(seconds=max(0, round(seconds)))
    hours, rest = divmod(span.seconds, 3600)
    minutes = rest // 60
    if span.days:
        return f"{span.days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{span.seconds} s"
