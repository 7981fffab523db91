"""A database whose content shows every inconsistency, the transactions of its writers, and the check of a copy.

- accounts: the sum of all balances never changes
- ledger: numbered without a gap from `pruned` + 1 to `total`, each row with a checksum
- blobs: each row is one byte repeated, over several pages
- counters: `total` and `pruned`; `total` grows with every commit that adds to the ledger, and so dates a copy
"""

import random
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

ACCOUNTS = 500
_BALANCE = 1000
_BLOBS = 150
_SCHEMA = """
    CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
    CREATE TABLE ledger (number INTEGER PRIMARY KEY, payer INT, payee INT, amount INT, padding TEXT, checksum INT);
    CREATE INDEX ledger_by_payer ON ledger (payer);
    CREATE INDEX ledger_by_payee ON ledger (payee, amount);
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INT) WITHOUT ROWID;
    CREATE TABLE blobs (id INTEGER PRIMARY KEY, data BLOB);
    INSERT INTO counters VALUES ('total', 0), ('pruned', 0);
"""


def create(path: Path, journal_mode: str, *, page_size: int, auto_vacuum: int) -> None:
    """Make the database."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute(f"PRAGMA auto_vacuum = {auto_vacuum}")
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO accounts VALUES (?, ?)", ((n, _BALANCE) for n in range(ACCOUNTS)))
        connection.executemany("INSERT INTO blobs VALUES (?, ?)", ((n, _blob(n, 100 + 57 * n)) for n in range(_BLOBS)))
        connection.execute("COMMIT")


def _blob(number: int, size: int) -> bytes:
    return bytes([number % 256]) * size


def _counter(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()[0])


def _checksum(number: int, payer: int, payee: int, amount: int, padding: str) -> int:
    return zlib.crc32(f"{number}/{payer}/{payee}/{amount}/{len(padding)}".encode())


class Work:
    """One writer's transactions, one per method; some return the ledger number that they committed."""

    def __init__(self, connection: sqlite3.Connection, journal_mode: str, randomness: random.Random) -> None:
        """Work on an open connection in autocommit mode."""
        self._db = connection
        self._mode = journal_mode
        self._random = randomness

    def any(self) -> int | None:
        """Run a transaction of a random kind; return the ledger's number if it was raised."""
        kinds: list[Callable[[], int | None]] = [
            self.transfer, self.large, self.rolled_back, self.savepoint, self.prune, self.vacuum, self.checkpoint,
        ]  # fmt: skip
        weights = (80, 6, 4, 2, 3, 0.4, 4.6)
        return self._random.choices(kinds, weights)[0]()

    def transfer(self) -> int:
        """Commit a small transaction, like most."""
        self._db.execute("BEGIN IMMEDIATE")
        total = self._transfers(self._random.choice((1, 1, 2, 5, 30)))
        self._db.execute("COMMIT")
        return total

    def large(self) -> int:
        """Commit a transaction that spills from the cache into the file before it ends."""
        self._db.execute("BEGIN IMMEDIATE")
        total = self._transfers(self._random.choice((200, 800)))
        shorter = "UPDATE blobs SET data = substr(data, 1, max(1, length(data) - 7)) WHERE id % 7 = ?"
        self._db.execute(shorter, (self._random.randrange(7),))
        for _ in range(40):
            number = self._random.randrange(_BLOBS)
            content = _blob(number, self._random.randint(100, 12000))
            self._db.execute("REPLACE INTO blobs VALUES (?, ?)", (number, content))
        self._db.execute("COMMIT")
        return total

    def rolled_back(self) -> None:
        """Damage all data, spill, and roll back."""
        self._damage()
        self._db.execute("ROLLBACK")

    def die(self) -> None:
        """Leave the damage uncommitted; the caller kills the process."""
        self._damage()

    def _damage(self) -> None:
        self._db.execute("PRAGMA cache_size = 5")
        self._db.execute("BEGIN IMMEDIATE")
        self._transfers(100)
        self._db.execute("UPDATE accounts SET balance = balance + 1")
        self._db.execute("UPDATE blobs SET data = zeroblob(7000)")

    def savepoint(self) -> int:
        """Commit a transaction after rolling back part of it."""
        self._db.execute("BEGIN IMMEDIATE")
        total = self._transfers(50)
        self._db.execute("SAVEPOINT part")
        self._db.execute("UPDATE accounts SET balance = balance + 7")
        self._transfers(100)
        self._db.execute("ROLLBACK TO part")
        self._db.execute("RELEASE part")
        self._db.execute("COMMIT")
        return total

    def prune(self) -> None:
        """Delete the oldest rows of the ledger."""
        self._db.execute("BEGIN IMMEDIATE")
        keep = self._random.choice((300, 1500))
        last = max(_counter(self._db, "pruned"), _counter(self._db, "total") - keep)
        self._db.execute("DELETE FROM ledger WHERE number <= ?", (last,))
        self._db.execute("UPDATE counters SET value = ? WHERE name = 'pruned'", (last,))
        self._db.execute("COMMIT")

    def vacuum(self) -> None:
        """Rewrite the whole file."""
        self._db.execute("VACUUM")

    def checkpoint(self) -> None:
        """Run a checkpoint of any kind; outside of WAL mode, read."""
        if self._mode == "wal":
            kind = self._random.choice(("PASSIVE", "FULL", "RESTART", "TRUNCATE"))
            self._db.execute(f"PRAGMA wal_checkpoint({kind})").fetchall()
        else:
            self._db.execute("SELECT sum(balance) FROM accounts").fetchone()

    def _transfers(self, count: int) -> int:
        total = _counter(self._db, "total")
        for _ in range(count):
            payer, payee = self._random.sample(range(ACCOUNTS), 2)
            amount, padding = self._random.randint(1, 50), "x" * self._random.randint(0, 300)
            total += 1
            self._db.execute("UPDATE accounts SET balance = balance - ? WHERE id = ?", (amount, payer))
            self._db.execute("UPDATE accounts SET balance = balance + ? WHERE id = ?", (amount, payee))
            checksum = _checksum(total, payer, payee, amount, padding)
            row = (total, payer, payee, amount, padding, checksum)
            self._db.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)", row)
        self._db.execute("UPDATE counters SET value = ? WHERE name = 'total'", (total,))
        return total


def problem(copy: Path, committed_before: int) -> str | None:
    """Return the fault of a copy, if any.

    Args:
        copy: one database file.
        committed_before: the ledger's number in the last commit known before the copy was begun.
    """
    try:
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            damage = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if damage != "ok":
                return f"integrity_check: {damage}"
            return _broken_invariant(connection, committed_before)
    except sqlite3.DatabaseError as error:
        return f"unreadable: {error}"


def _broken_invariant(connection: sqlite3.Connection, committed_before: int) -> str | None:
    sums = connection.execute("SELECT sum(balance), count(*) FROM accounts").fetchone()
    if sums != (ACCOUNTS * _BALANCE, ACCOUNTS):
        return f"the accounts' sum and count are {sums}"
    total, pruned = _counter(connection, "total"), _counter(connection, "pruned")
    numbers = [row[0] for row in connection.execute("SELECT number FROM ledger ORDER BY number")]
    if numbers != list(range(pruned + 1, total + 1)):
        return f"the ledger has {len(numbers)} rows, not all from {pruned + 1} to {total}"
    for number, payer, payee, amount, padding, checksum in connection.execute("SELECT * FROM ledger"):
        if _checksum(number, payer, payee, amount, padding) != checksum:
            return f"row {number} of the ledger is damaged"
    for number, data in connection.execute("SELECT id, data FROM blobs"):
        if not data or data != _blob(number, len(data)):
            return f"blob {number} is damaged"
    return f"too old: {total} is before {committed_before}" if total < committed_before else None
