"""A SQLite connection in a separate process, which runs a test's statements."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROGRAM = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=float(sys.argv[2]), uri=True)
for line in sys.stdin:
    try:
        connection.execute(line).fetchall()
        print("done", flush=True)
    except sqlite3.OperationalError as error:
        print(error, flush=True)
"""


class Session:
    """Sends statements, one per line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Talk to a running process."""
        self._process = process

    def attempt(self, statement: str) -> str:
        """Run a statement; return `done` or SQLite's error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(statement.replace("\n", " ") + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def run(self, *statements: str) -> None:
        """Run statements, which must succeed."""
        for statement in statements:
            assert self.attempt(statement) == "done", statement


@contextmanager
def session(database: Path, *statements: str, timeout: float = 0) -> Iterator[Session]:
    """Open the database in another process and run statements; the process is killed at the end."""
    command = [sys.executable, "-c", _PROGRAM, str(database), str(timeout)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            opened = Session(process)
            opened.run(*statements)
            yield opened
        finally:
            process.kill()
