"""The application of the race matrix: a separate process that does one operation at a time, on request."""

import hashlib
import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

BIG_ROWS = 20
_ROWS = 200
_PADDING = "p" * 300
_BLOB = b"z" * 2000

# The start of a case: the journal mode, and the application's operations before the snapshot begins.
STARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "delete": ("delete", ()),
    "truncate": ("truncate", ("write",)),
    "persist": ("persist", ("write",)),
    "hot journal": ("delete", ("begin", "crash")),
    "half checkpointed": ("wal", ("truncate", "write", "passive", "write")),
    "empty log": ("wal", ("truncate",)),
    "no log": ("wal", ("close",)),
    "all checkpointed": ("wal", ("write", "full")),
    "log of a crashed writer": ("wal", ("write", "begin", "crash")),
}
COMMON = (
    "write", "write_one", "grow", "rolled_back", "shrink", "reopen", "close", "switch_mode",
    "begin", "roll_back", "commit", "crash", "read", "stop_reading",
)  # fmt: skip
OF_WAL = ("passive", "full", "restart", "truncate")
# Sequences that matter but rarely occur by chance: a transaction that begins and ends during a copy (rolled back, it
# changes only the times), one that ends in a crash, and a log that is ended and restarted.
STORIES = (
    ("begin", "roll_back"), ("begin", "commit"), ("begin", "crash"), ("begin", "crash", "write"), ("close", "write"),
    ("switch_mode", "write"),
)  # fmt: skip
STORIES_OF_WAL = (("passive", "write"), ("truncate", "write"), ("restart", "grow"), ("write", "full", "write"))


def content_digest(connection: sqlite3.Connection) -> str:
    """Return a digest of all rows."""
    digest = hashlib.sha256()
    for query in ("SELECT * FROM t ORDER BY id", "SELECT * FROM u ORDER BY id"):
        digest.update(repr(connection.execute(query).fetchall()).encode())
    return digest.hexdigest()


class Application:
    """Speaks to the process that has the database open; a crash is a kill -9 of that process."""

    def __init__(self, database: Path) -> None:
        """Begin without a process."""
        self._database = database
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._count = 0
        self.states: set[str] = set()

    def begin_case(self, start: str) -> None:
        """Make a new database in one of STARTS; forget all states except the last committed one."""
        mode, operations = STARTS[start]
        last = self._tell(f"make {mode}")
        for operation in operations:
            last = self.do(operation) or last
        assert last is not None
        self.states = {last}

    def do(self, operation: str) -> str | None:
        """Make the application do one operation; record and return the committed state that it leaves, if any."""
        if operation == "crash":
            self.crash()
            return None
        state = self._tell(operation)
        if state:
            self.states.add(state)
        return state

    def crash(self) -> None:
        """Kill the process; the next operation starts another."""
        if self._process is not None and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.join()
        self._process = None

    def _tell(self, operation: str) -> str | None:
        if self._process is None:
            self._start()
        assert self._pipe is not None
        self._count += 1
        self._pipe.send((operation, self._count))
        answer = self._pipe.recv()
        assert answer is None or isinstance(answer, str)
        return answer

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._database, theirs), daemon=True)
        self._process.start()
        theirs.close()


def _serve(database: Path, pipe: Connection) -> None:
    session = _Session(database)
    while True:
        try:
            operation, number = pipe.recv()
        except EOFError:
            os._exit(0)
        try:
            session.do(operation, number)
        except sqlite3.OperationalError:
            session.undo()  # blocked by the locks of the snapshot
        pipe.send(session.state())


class _Session:
    """The operations, on one connection and another that reads."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._open: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._number = 0

    def do(self, operation: str, number: int) -> None:
        self._number = number
        if operation.startswith("make "):
            self._make(operation.removeprefix("make "))
        elif operation in OF_WAL:
            self._db.execute(f"PRAGMA wal_checkpoint({operation})").fetchall()
        elif operation in ("roll_back", "commit"):
            if self._db.in_transaction:
                self._db.execute(operation.replace("_back", "back"))
        elif operation != "state" and not (self._db.in_transaction and operation != "close"):
            _OPERATIONS[operation](self)

    def undo(self) -> None:
        with suppress(sqlite3.OperationalError):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def state(self) -> str | None:
        if self._open is None or self._open.in_transaction:
            return None
        with suppress(sqlite3.OperationalError):
            return content_digest(self._open)
        return None

    @property
    def _db(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = sqlite3.connect(self._database, isolation_level=None, timeout=0.001)
            self._open.execute("PRAGMA synchronous = NORMAL")
            self._open.execute("PRAGMA wal_autocheckpoint = 0")
            self._open.execute("PRAGMA cache_size = 5")  # so that transactions spill into the file
        return self._open

    def _make(self, mode: str) -> None:
        self.close()
        self.stop_reading()
        for suffix in ("", "-journal", "-wal", "-shm"):
            self._database.with_name(self._database.name + suffix).unlink(missing_ok=True)
        self._db.execute(f"PRAGMA journal_mode = {mode}").fetchall()
        self._db.execute("BEGIN")
        self._db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v, padding)")
        self._db.execute("CREATE TABLE u (id INTEGER PRIMARY KEY, b BLOB)")
        self._db.executemany("INSERT INTO t VALUES (?, 0, ?)", ((row, _PADDING) for row in range(_ROWS)))
        self._db.executemany("INSERT INTO u VALUES (?, ?)", ((row, _BLOB) for row in range(BIG_ROWS)))
        self._db.execute("COMMIT")

    def _transaction(self, *statements: str, end: str) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for statement in statements:
            self._db.execute(statement)
        self._db.execute(end)

    def write(self) -> None:
        self._transaction(f"UPDATE t SET v = {self._number} WHERE id % 3 = {self._number % 3}", end="COMMIT")

    def write_one(self) -> None:
        self._db.execute("UPDATE t SET v = ? WHERE id = ?", (self._number, _ROWS - 1))

    def grow(self) -> None:
        add = f"INSERT INTO u SELECT max(id) + 1, zeroblob(2500 + {self._number % 7}) FROM u"
        self._transaction(f"UPDATE t SET v = {self._number}", *[add] * BIG_ROWS, end="COMMIT")

    def shrink(self) -> None:
        self._db.execute("DELETE FROM u WHERE id >= ?", (BIG_ROWS // 2,))
        self._db.execute("VACUUM")

    def rolled_back(self) -> None:
        self._transaction(
            "UPDATE t SET v = -1, padding = padding || 1", "UPDATE u SET b = zeroblob(3000)", end="ROLLBACK"
        )

    def begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("UPDATE t SET v = ?, padding = padding || 1", (-self._number,))
        self._db.execute("UPDATE u SET b = zeroblob(3000)")

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def reopen(self) -> None:
        self.close()
        self._db.execute("SELECT count(*) FROM t").fetchall()

    def switch_mode(self) -> None:
        mode = self._db.execute("PRAGMA journal_mode").fetchone()[0]
        self._db.execute(f"PRAGMA journal_mode = {'delete' if mode == 'wal' else 'wal'}").fetchall()

    def read(self) -> None:
        self.stop_reading()
        self._reader = sqlite3.connect(self._database, isolation_level=None, timeout=0.001)
        self._reader.execute("BEGIN")
        self._reader.execute("SELECT count(*) FROM t").fetchall()

    def stop_reading(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


_OPERATIONS: dict[str, Callable[[_Session], None]] = {
    "write": _Session.write,
    "write_one": _Session.write_one,
    "grow": _Session.grow,
    "rolled_back": _Session.rolled_back,
    "shrink": _Session.shrink,
    "reopen": _Session.reopen,
    "close": _Session.close,
    "switch_mode": _Session.switch_mode,
    "begin": _Session.begin,
    "read": _Session.read,
    "stop_reading": _Session.stop_reading,
}
