"""Load SQL text into a new database, a few statements at a time, whoever wrote the text."""

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO

import apsw

from sqlitevault.errors import IntegrityCheckFailed
from sqlitevault.progress import OnBytes, ignore_bytes

_BLOCK = 1 << 20
_END = b";\n"
# Nobody else ever opens the file: no journal is needed, and the fsync comes at the end.
_PRIVATE = (
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536"
)


def load_dump(sql: Path, destination: Path, *, on_bytes: OnBytes = ignore_bytes, durable: bool = True) -> None:
    """Make the database `destination` from SQL text; it appears whole or not at all, synced to disk if `durable`.

    The text cannot reach other files: nothing can be attached, and no extension loaded.

    Raises:
        IntegrityCheckFailed: the text is empty, ends in the middle, or is no SQL that SQLite accepts; says after how
            many bytes, quotes none.
    """
    unfinished = destination.with_name(f".{destination.name}.unfinished")
    try:
        with sql.open("rb") as text, closing(_new_database(unfinished)) as connection:
            _execute(connection, text, on_bytes)
        _require_content(unfinished)
        if durable:
            with unfinished.open("rb") as database:
                os.fsync(database.fileno())
        unfinished.replace(destination)
    finally:
        unfinished.unlink(missing_ok=True)


def load_readable(sql: Path, destination: Path) -> bool:
    """Make a database of every statement in a damaged dump that SQLite accepts; False if that gives nothing.

    Like `load_dump` it cannot reach other files. What is missing is not known.
    """
    with sql.open("rb") as text, closing(_new_database(destination)) as connection:
        for statements in _complete_statements(text):
            _execute_readable(connection, statements)
        if connection.in_transaction:
            connection.execute("COMMIT")
        found = bool(connection.execute("SELECT count(*) FROM sqlite_schema").get)
    if not found:
        destination.unlink(missing_ok=True)
    return found


def _execute_readable(connection: apsw.Connection, statements: bytes) -> None:
    """Execute one statement at a time, so that a damaged one costs no other."""
    gathered = ""
    for line in statements.decode(errors="replace").splitlines(keepends=True):
        gathered += line
        if not apsw.complete(gathered):
            continue
        with suppress(apsw.Error):
            connection.execute(gathered)
        gathered = ""


def _new_database(path: Path) -> apsw.Connection:
    path.unlink(missing_ok=True)
    connection = apsw.Connection(str(path))
    connection.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.execute(_PRIVATE)
    return connection


def _execute(connection: apsw.Connection, text: BinaryIO, on_bytes: OnBytes) -> None:
    done = 0
    try:
        for statements in _complete_statements(text):
            connection.execute(statements.decode())
            done += len(statements)
            on_bytes(len(statements))
    except (apsw.Error, UnicodeDecodeError, ValueError) as error:
        raise IntegrityCheckFailed(
            f"the SQL dump does not load: {type(error).__name__} in the statements after byte {done:,}",
            hint="The dump is damaged. The binary copy in the archive does not depend on it.",
        ) from error
    if connection.in_transaction:
        raise IntegrityCheckFailed("the SQL dump ends in the middle", hint="The dump was cut off; use another backup.")


def _require_content(database: Path) -> None:
    if not database.stat().st_size:
        raise IntegrityCheckFailed("the SQL dump is empty", hint="The dump was cut off; use another backup.")


def _complete_statements(text: BinaryIO) -> Iterator[bytes]:
    """Yield runs of whole statements; a statement that is longer than a block is gathered first."""
    gathered = bytearray()
    while block := text.read(_BLOCK):
        gathered += block
        end = gathered.rfind(_END, max(0, len(gathered) - len(block) - 1)) + len(_END)
        if end >= len(_END) and apsw.complete(gathered[:end].decode(errors="replace")):
            yield bytes(gathered[:end])
            del gathered[:end]
    if gathered.strip():
        yield bytes(gathered)
