"""Execution and judgement of one case: an accepted copy must be a state that was committed during the snapshot."""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from sqlitevault.ground.errors import SqliteVaultError
from sqlitevault.snapshot.attempt import Again, Attempt, Copied
from sqlitevault.snapshot.choice import PROTOCOLS
from sqlitevault.snapshot.fresh import beside
from sqlitevault.snapshot.options import Method, SnapshotOptions
from sqlitevault.snapshot.working_copy import clear, settle
from tests.race_matrix.application import Application, content_digest
from tests.race_matrix.cases import NAIVE, Case

ACCEPTED, REFUSED = "accepted", "refused"

_CHUNK = 16 << 10
# Longer than the granularity of the kernel's file times, 1/100 second at most.
_QUIET = 0.012
_LOCK_WAIT = 0.01
_PLENTY = 60.0


class Matrix:
    """Runs cases on one database in its own folder."""

    def __init__(self, folder: Path) -> None:
        """Begin without a database."""
        (folder / "live").mkdir()
        (folder / "work").mkdir()
        self._source = folder / "live" / "app.db"
        self._copy = folder / "work" / "database"
        self._application = Application(self._source)

    def close(self) -> None:
        """End the application's process."""
        self._application.crash()

    def steps(self, method: str, start: str) -> list[str]:
        """Return the steps of an undisturbed run; without a -shm file, a pinned run has few."""
        steps: list[str] = []
        self._application.begin_case(start)
        with suppress(Again):
            self._take(method, steps.append)
        return steps

    def run(self, case: Case) -> str:
        """Return ACCEPTED, REFUSED, or the fault of the accepted copy."""
        self._application.begin_case(case.start)
        reached: Counter[str] = Counter()

        def on_step(step: str) -> None:
            reached[step] += 1
            for moment, operation in case.injections:
                if moment == (step, reached[step]):
                    self._application.do(operation)

        try:
            self._take(case.method, on_step)
        except (Again, SqliteVaultError):
            return REFUSED
        return self._judge()

    def _take(self, method: str, on_step: Callable[[str], None]) -> None:
        clear(self._copy)
        options = SnapshotOptions(
            chunk_bytes=_CHUNK, threads=1, quiet_seconds=_QUIET, lock_wait_seconds=_LOCK_WAIT, on_step=on_step
        )
        attempt = Attempt(self._source, self._copy, options, deadline=time.monotonic() + _PLENTY)
        if method == NAIVE:
            copy_naively(attempt)
        else:
            settle(self._copy, PROTOCOLS[Method(method)](attempt))

    def _judge(self) -> str:
        try:
            with closing(sqlite3.connect(self._copy)) as connection:
                problems = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
                state = content_digest(connection)
        except sqlite3.DatabaseError as error:
            return f"unreadable: {error}"
        if problems != "ok":
            return f"integrity_check: {problems}"
        return ACCEPTED if state in self._application.states else "a state that was never committed, or an old one"


def copy_naively(attempt: Attempt) -> Copied:
    """Copy like `cp`: the control that the matrix and the stress run must catch."""
    attempt.step("start")
    for suffix in ("", "-wal", "-journal"):
        source = beside(attempt.source, suffix)
        if not source.exists():
            continue
        with source.open("rb") as file, beside(attempt.copy, suffix).open("wb") as copy:
            while chunk := file.read(attempt.options.chunk_bytes):
                copy.write(chunk)
                attempt.step("database-chunk")
    attempt.step("end")
    return Copied()
