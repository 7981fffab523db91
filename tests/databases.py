"""Small databases that tests create and damage, and processes that write to them."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ACCOUNTS = 50
TOTAL = ACCOUNTS * 100

_WRITER = """
import random, sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
print("ready", flush=True)
count = 0
while True:
    count += 1
    a, b, amount = random.randrange(50), random.randrange(50), random.randrange(10)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE accounts SET balance = balance - ? WHERE id = ?", (amount, a))
    connection.execute("UPDATE accounts SET balance = balance + ? WHERE id = ?", (amount, b))
    connection.execute("INSERT INTO ledger(note) VALUES (?)", ("x" * random.randrange(200),))
    connection.execute("COMMIT")
    time.sleep(0.001)
"""


def make_bank(path: Path, *, journal_mode: str = "delete", rows: int = 500) -> Path:
    """Make a database whose accounts sum to TOTAL and whose ledger has no gaps; writers keep both invariants."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.executescript(
            """
            CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
            CREATE TABLE ledger (id INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT);
            CREATE TABLE api_keys (id TEXT PRIMARY KEY, key_hash TEXT NOT NULL, name TEXT, scopes TEXT,
                                   is_active INTEGER, created_at TEXT, expires_at TEXT);
            """
        )
        connection.executemany("INSERT INTO accounts VALUES (?, 100)", ((number,) for number in range(ACCOUNTS)))
        connection.executemany("INSERT INTO ledger(note) VALUES (?)", ((f"entry {row}" * 10,) for row in range(rows)))
        connection.execute("INSERT INTO api_keys VALUES ('k1', 'SECRET-HASH', 'ci', '[]', 1, '2026-01-01', NULL)")
        connection.commit()
    return path


def require_bank(path: Path) -> int:
    """Check that the invariants hold and SQLite finds no damage; return the number of ledger entries."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT sum(balance) FROM accounts").fetchone() == (TOTAL,)
        count, last = connection.execute("SELECT count(*), max(id) FROM ledger").fetchone()
        assert count == last
    return int(count)


@contextmanager
def writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that commits to the bank as fast as it can."""
    process = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def holding_the_lock(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold an exclusive lock on the database in another process until the end of the body."""
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('BEGIN EXCLUSIVE'); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def execute(path: Path, *statements: str) -> None:
    """Run statements, each committed, and leave the database closed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()
