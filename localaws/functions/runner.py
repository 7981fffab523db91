"""Warm containers of each function, one for each invocation, within the function's concurrency."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localaws.functions.code import runtime_packages, unpack_once
from localaws.functions.container import Container, Result
from localaws.functions.facts import FunctionFacts

DEFAULT_CONCURRENCY = 10


class ThrottledError(Exception):
    """All of the function's containers are busy (AWS: TooManyRequestsException)."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A function with its code; `sha256` identifies the code, `concurrency` is the reserved concurrency."""

    facts: FunctionFacts
    code: bytes
    sha256: str
    concurrency: int = DEFAULT_CONCURRENCY


class FunctionRunner:
    """Invokes deployed functions. Thread-safe."""

    def __init__(self, endpoint: str, state: Path, on_result: Callable[[FunctionFacts, Result], None]) -> None:
        """Unpack code below `state`; `on_result` is called after every invocation."""
        self._endpoint, self._on_result = endpoint, on_result
        self._code, self._containers = state / "code", state / "containers"
        self._runtime = runtime_packages(state / "runtime")
        self._lock = threading.Lock()
        self._idle: dict[str, list[tuple[Deployed, Container]]] = {}
        self._slots: dict[tuple[str, int], threading.BoundedSemaphore] = {}
        self._all: set[Container] = set()

    def invoke(self, function: Deployed, payload: bytes, *, wait: bool) -> Result:
        """Run one invocation in a warm container, or in a new one.

        Args:
            function: what to run.
            payload: the event, as JSON.
            wait: queue up when all containers are busy, as asynchronous invocations do.

        Raises:
            ThrottledError: all containers are busy and `wait` is not set.
        """
        slot = self._slot(function)
        if not slot.acquire(blocking=wait):
            raise ThrottledError(function.facts.name)
        try:
            container = self._take(function)
            result = container.invoke(payload)
            self._give_back(function, container)
        finally:
            slot.release()
        self._on_result(function.facts, result)
        return result

    def close(self) -> None:
        """End every process."""
        with self._lock:
            containers, self._all = self._all, set()
            self._idle.clear()
        for container in containers:
            container.close()

    def _slot(self, function: Deployed) -> threading.BoundedSemaphore:
        key = (function.facts.arn, function.concurrency)
        with self._lock:
            return self._slots.setdefault(key, threading.BoundedSemaphore(function.concurrency))

    def _take(self, function: Deployed) -> Container:
        with self._lock:
            idle = self._idle.setdefault(function.facts.arn, [])
            usable = [entry for entry in idle if entry[0] == function]
            outdated = [container for deployed, container in idle if deployed != function]
            self._idle[function.facts.arn] = usable[1:]
            self._all.difference_update(outdated)
        for container in outdated:  # a new deployment never reuses the old one's containers
            container.close()
        return usable[0][1] if usable else self._new(function)

    def _new(self, function: Deployed) -> Container:
        with self._lock:
            task_root = unpack_once(function.code, function.sha256, self._code)
            container = Container(
                function.facts,
                task_root=task_root,
                runtime=self._runtime,
                folder=self._containers / function.facts.name,
                endpoint=self._endpoint,
            )
            self._all.add(container)
        return container

    def _give_back(self, function: Deployed, container: Container) -> None:
        with self._lock:
            if container in self._all:
                self._idle.setdefault(function.facts.arn, []).append((function, container))
