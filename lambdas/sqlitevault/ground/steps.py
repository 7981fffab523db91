"""Named steps of a verb: timed for the report, and shown to whoever watches."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from sqlitevault.ground.progress import OnBytes


class Watcher(Protocol):
    """Somebody who wants to see the progress of a verb."""

    def started(self, step: str, total_bytes: int | None) -> None:
        """A step begins; `total_bytes` is None when its size is not known."""
        ...

    def advanced(self, count: int) -> None:
        """The running step has handled `count` more bytes."""
        ...

    def finished(self, step: str, seconds: float) -> None:
        """The step ended, well or not."""
        ...


class Unwatched:
    """The watcher of functions and tests: looks away."""

    def started(self, step: str, total_bytes: int | None) -> None:
        """Do nothing."""

    def advanced(self, count: int) -> None:
        """Do nothing."""

    def finished(self, step: str, seconds: float) -> None:
        """Do nothing."""


class Steps:
    """Runs steps one after another and remembers how long each took."""

    def __init__(self, watcher: Watcher | None = None) -> None:
        """Start with no step done."""
        self._watcher: Watcher = watcher or Unwatched()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str, total_bytes: int | None = None) -> Iterator[OnBytes]:
        """Time the body under `name`; it calls what it is given with the bytes it has handled."""
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
