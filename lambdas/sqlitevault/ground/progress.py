"""How long work tells how far it is: a callback that is given the bytes handled since the last call."""

from collections.abc import Callable

OnBytes = Callable[[int], None]


def ignore_bytes(_count: int) -> None:
    """Progress callback of those who do not watch."""
