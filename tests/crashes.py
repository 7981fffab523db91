"""Databases as a killed application leaves them: real processes, killed at work."""

import signal
import subprocess
import sys
from pathlib import Path

_HALF_A_TRANSACTION = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 5")
connection.execute("PRAGMA synchronous = NORMAL")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE accounts SET balance = balance + 1000")
connection.execute("UPDATE ledger SET note = note || 'never committed'")
os.kill(os.getpid(), signal.SIGKILL)
"""

_COMMIT_TO_THE_LOG = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("INSERT INTO ledger(note) VALUES ('in the log alone')")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE accounts SET balance = balance + 1000")
os.kill(os.getpid(), signal.SIGKILL)
"""

_ATTACHED = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("ATTACH ? AS other", (sys.argv[1] + ".other",))
connection.execute("CREATE TABLE IF NOT EXISTS other.t (x)")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE accounts SET balance = balance + 1000")
connection.execute("INSERT INTO other.t VALUES (1)")
connection.execute("COMMIT")
"""


def _run(program: str, database: Path, *wrapper: str) -> int:
    return subprocess.run([*wrapper, sys.executable, "-c", program, str(database)], check=False).returncode


def leave_hot_journal(database: Path) -> None:
    """Run a writer that spills half a transaction into the file and is killed."""
    assert _run(_HALF_A_TRANSACTION, database) == -signal.SIGKILL
    assert database.with_name(database.name + "-journal").stat().st_size


def leave_log(database: Path) -> None:
    """Run a writer that commits to the write-ahead log, begins another transaction and is killed."""
    assert _run(_COMMIT_TO_THE_LOG, database) == -signal.SIGKILL
    assert database.with_name(database.name + "-wal").stat().st_size


def leave_super_journal(database: Path) -> None:
    """Run a writer that is killed while it deletes the super-journal of a transaction over two databases."""
    _run(_ATTACHED, database, "strace", "-f", "-o", "/dev/null", "-e", "inject=unlink:signal=KILL:when=2")
