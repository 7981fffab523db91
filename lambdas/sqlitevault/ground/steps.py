"""The named steps of a command: their times for its report, and their progress for a watcher."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

OnBytes = Callable[[int], None]
"""Called with the number of bytes handled since the last call."""


def ignore_bytes(_count: int) -> None:
    """Do nothing."""


class Watcher:
    """Follows the steps of a command. This one ignores them, for functions and tests."""

    def started(self, step: str, total_bytes: int | None) -> None:
        """A step begins; `total_bytes` is None when its size is not known."""

    def advanced(self, count: int) -> None:
        """The running step has handled `count` more bytes."""

    def finished(self, step: str, seconds: float) -> None:
        """The step ended, with or without an error."""


class Steps:
    """Runs steps and records how long each took."""

    def __init__(self, watcher: Watcher | None = None) -> None:
        """Start with no step done."""
        self._watcher = watcher or Watcher()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str, total_bytes: int | None = None) -> Iterator[OnBytes]:
        """Time the body under `name`; it reports the bytes it handles to the callback it is given."""
        begun = time.monotonic()
        self._watcher.started(name, total_bytes)
        try:
            yield self._watcher.advanced
        finally:
            took = time.monotonic() - begun
            self.seconds[name] = self.seconds.get(name, 0.0) + took
            self._watcher.finished(name, took)

    @property
    def total_seconds(self) -> float:
        """Seconds of all steps together."""
        return sum(self.seconds.values())
