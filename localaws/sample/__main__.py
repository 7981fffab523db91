"""The writer's process: commits to the ledger until a line arrives on stdin or its parent has ended."""

import contextlib
import json
import random
import select
import signal
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import asdict

from localaws.sample.ledger import Activity

_SCHEMA = """
CREATE TABLE IF NOT EXISTS demo_account (id INTEGER PRIMARY KEY CHECK (id = 1), balance INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS demo_ledger (
  id INTEGER PRIMARY KEY, amount INTEGER NOT NULL, balance INTEGER NOT NULL, note TEXT NOT NULL
);
INSERT OR IGNORE INTO demo_account VALUES (1, 0);
"""
_ENTRY = """
INSERT INTO demo_ledger (amount, balance, note)
SELECT :amount, balance + :amount, hex(randomblob(60)) FROM demo_account
"""
_PAUSE_SECONDS = 0.001
_WAIT_SECONDS = 30.0


def write_until_stopped(database: str) -> Activity:
    """Commit as fast as the database allows."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=_WAIT_SECONDS)) as connection:
        connection.executescript(_SCHEMA)
        commits, longest = 1, _commit(connection)
        _say("writing")
        began = time.monotonic()
        while not select.select([sys.stdin], [], [], 0)[0]:
            longest = max(longest, _commit(connection))
            commits += 1
            time.sleep(_PAUSE_SECONDS)
    return Activity(commits, time.monotonic() - began, longest)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _commit(connection: sqlite3.Connection) -> float:
    began = time.monotonic()
    amount = random.randrange(-500, 500)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_ENTRY, {"amount": amount})
    connection.execute("UPDATE demo_account SET balance = balance + ?", (amount,))
    connection.execute("COMMIT")
    return time.monotonic() - began


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the demo, which then ends this process
    activity = write_until_stopped(sys.argv[1])
    with contextlib.suppress(BrokenPipeError):
        _say(json.dumps(asdict(activity)))
