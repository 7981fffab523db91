"""One attempt of one protocol, with a test's actions at its steps."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlitevault.snapshot.attempt import Attempt
from sqlitevault.snapshot.options import SnapshotOptions

_PLENTY = 60.0


def make_attempt(source: Path, *, at: dict[str, Callable[[], object]] | None = None, **options: Any) -> Attempt:
    """Return an attempt whose copy goes into a new folder beside the source's; `at` runs when a step is reached."""
    actions = dict(at or {})

    def on_step(step: str) -> None:
        actions.pop(step, lambda: None)()

    copy = source.parent.with_name(f"{source.parent.name}-copy-{time.monotonic_ns()}") / "database"
    copy.parent.mkdir()
    chosen = SnapshotOptions(
        quiet_seconds=options.pop("quiet_seconds", 0.02),
        lock_wait_seconds=options.pop("lock_wait_seconds", 0.02),
        chunk_bytes=8192,
        threads=1,
        on_step=options.pop("on_step", on_step),
        **options,
    )
    return Attempt(source, copy, chosen, deadline=time.monotonic() + _PLENTY)
