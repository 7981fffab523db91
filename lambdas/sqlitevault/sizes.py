"""Numbers of bytes as people read them."""

_THOUSAND = 1000


def size_in_words(count: float) -> str:
    """Return `512 B`, `20.2 MB`, `79.7 GB`: powers of ten, as disks are sold."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < _THOUSAND:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _THOUSAND
    return f"{value:.1f} TB"
