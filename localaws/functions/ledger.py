"""What ran, for tests and for people who poke at the embedded AWS."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 500


@dataclass(frozen=True, slots=True)
class Ran:
    """One finished invocation; times are seconds, memory bytes."""

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
    """The last invocations, oldest first. Safe for threads."""

    def __init__(self) -> None:
        """Start empty."""
        self._ran: deque[Ran] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def add(self, ran: Ran) -> None:
        """Keep one more, and let the oldest go when there are too many."""
        with self._lock:
            self._ran.append(ran)

    def rows(self, function: str | None = None) -> list[Mapping[str, Any]]:
        """Return them as plain values, all or those of functions whose name contains `function`."""
        with self._lock:
            return [asdict(ran) for ran in self._ran if function is None or function in ran.function]


def readable(payload: bytes | str) -> Any:
    """Return JSON as the value it stands for, other text as it is."""
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace") if isinstance(payload, bytes) else payload
