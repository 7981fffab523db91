"""The latest invocations, for tests and for people who explore the embedded AWS."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 500


@dataclass(frozen=True, slots=True)
class Ran:
    """One finished invocation; times are in seconds, memory in bytes."""

    function: str
    region: str
    request_id: str
    trigger: str
    attempt: int
    event: Any
    response: Any
    function_error: str | None
    seconds: float
    init_seconds: float | None
    max_memory_bytes: int
    log: str


class Ledger:
    """The last invocations, oldest first. Thread-safe."""

    def __init__(self) -> None:
        """Start empty."""
        self._ran: deque[Ran] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def add(self, ran: Ran) -> None:
        """Add one, and drop the oldest if there are too many."""
        with self._lock:
            self._ran.append(ran)

    def rows(self, function: str | None = None) -> list[Mapping[str, Any]]:
        """Return plain values of all, or of functions whose name contains `function`."""
        with self._lock:
            return [asdict(ran) for ran in self._ran if function is None or function in ran.function]


def readable(payload: bytes | str) -> Any:
    """Return the value of JSON, and other text unchanged."""
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace") if isinstance(payload, bytes) else payload
