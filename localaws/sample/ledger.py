"""A process that commits to a database as fast as it can, keeps an invariant, and measures its commits.

The ledger is a table of its own: entries numbered without gaps, each with the balance up to it, and an account that
holds the last balance. A torn copy breaks one of these; an old page among new ones does too.
"""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_BROKEN = """
SELECT count(*) FROM (
  SELECT id, balance, sum(amount) OVER (ORDER BY id) AS summed, row_number() OVER (ORDER BY id) AS number
  FROM demo_ledger
) WHERE balance <> summed OR id <> number
"""
_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Activity:
    """A writer's record: the number of commits, their total seconds, and the longest commit."""

    commits: int
    seconds: float
    longest_commit_seconds: float

    @property
    def commits_per_second(self) -> float:
        """Commits per second."""
        return self.commits / self.seconds if self.seconds else 0.0


class LedgerWriter:
    """A writer process while the context lasts; `stop` ends it and returns its record."""

    def __init__(self, database: Path) -> None:
        """Write to `database`, which gets the ledger's tables."""
        self._database = database
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start, and wait until the first commit can be made."""
        command = [sys.executable, "-m", "localaws.sample", str(self._database)]
        root = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()
        return self

    def stop(self) -> Activity:
        """Let the writer finish its transaction, and return its record."""
        if self._process is None:
            raise RuntimeError("the writer is not running")
        printed, _ = self._process.communicate("stop\n", timeout=_WAIT_SECONDS)
        self._process = None
        return Activity(**json.loads(printed))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process if it still runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def require_ledger(database: Path) -> int:
    """Check that the ledger of a restored database is complete; return its number of entries.

    Raises:
        AssertionError: an entry is missing or does not match its predecessor, or the account does not match the last.
    """
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        ((broken,),) = connection.execute(_BROKEN)
        ((entries, balance),) = connection.execute("SELECT count(*), coalesce(sum(amount), 0) FROM demo_ledger")
        ((account,),) = connection.execute("SELECT balance FROM demo_account")
    if broken or balance != account:
        raise AssertionError(f"{broken} broken entries, account {account}, entries sum up to {balance}")
    return int(entries)
