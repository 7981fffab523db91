"""Loading SQL text from any origin into a new database, a few statements at a time."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import apsw

from sqlitevault.database.connection import new_database
from sqlitevault.ground.errors import IntegrityCheckFailed
from sqlitevault.ground.files import unfinished
from sqlitevault.ground.steps import OnBytes, ignore_bytes

_BLOCK = 1 << 20
_END = b";\n"
# Semicolons inside these end no statement (https://sqlite.org/lang_keywords.html, lang_comment.html). A doubled quote
# counts as an end and a new start.
_CLOSING = {b"'": b"'", b'"': b'"', b"`": b"`", b"[": b"]", b"--": b"\n", b"/*": b"*/"}
_TOKEN = re.compile(b";|" + b"|".join(map(re.escape, _CLOSING)))


def load_dump(
    sql: Path, destination: Path, *, on_bytes: OnBytes = ignore_bytes, durable: bool = True, block: int = _BLOCK
) -> None:
    """Create the database `destination` from SQL text, whole or not at all, and sync it if `durable`.

    The text cannot reach other files: it cannot attach a database or load an extension. It is read `block` bytes at a
    time.

    Raises:
        IntegrityCheckFailed: the text is empty, ends in the middle, or is not SQL that SQLite accepts; the message
            gives the position in bytes and quotes nothing.
    """
    with unfinished(destination, durable=durable) as made:
        with sql.open("rb") as text, _isolated(made) as connection:
            _execute(connection, _complete_statements(text, block), on_bytes)
        if not made.stat().st_size:
            raise IntegrityCheckFailed("the SQL dump is empty", hint="The dump was cut off; use another backup.")


def load_readable(sql: Path, destination: Path) -> bool:
    """Create a database from the statements of a damaged dump that SQLite accepts; False if none gives anything.

    As with `load_dump`, the text cannot reach other files. What is missing stays unknown.
    """
    destination.unlink(missing_ok=True)
    with sql.open("rb") as text, _isolated(destination) as connection:
        for statements in _complete_statements(text):
            _execute_readable(connection, statements)
        if connection.in_transaction:
            connection.execute("COMMIT")
        found = bool(connection.execute("SELECT count(*) FROM sqlite_schema").get)
    if not found:
        destination.unlink(missing_ok=True)
    return found


def _execute_readable(connection: apsw.Connection, statements: bytes) -> None:
    """Execute one statement at a time, so that a damaged one affects no other."""
    gathered = ""
    for line in statements.decode(errors="replace").splitlines(keepends=True):
        gathered += line
        if ";" not in line or not apsw.complete(gathered):
            continue
        with suppress(apsw.Error):
            connection.execute(gathered)
        gathered = ""


@contextmanager
def _isolated(path: Path) -> Iterator[apsw.Connection]:
    """Open a new database from which SQL reaches no other file."""
    with new_database(path) as connection:
        connection.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536")
        yield connection


def _execute(connection: apsw.Connection, runs: Iterator[bytes], on_bytes: OnBytes) -> None:
    done = 0
    try:
        for statements in runs:
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


def _complete_statements(text: BinaryIO, size: int = _BLOCK) -> Iterator[bytes]:
    """Yield runs of whole statements; a statement longer than a block is gathered first."""
    gathered, ends = bytearray(), _Ends()
    while block := text.read(size):
        gathered += block
        end = gathered.rfind(_END, max(0, len(gathered) - len(block) - 1)) + len(_END)
        if end < len(_END) or not _is_complete(gathered, end):
            end = ends.last(gathered)
            if not end or not _is_complete(gathered, end):
                continue
        with memoryview(gathered) as whole:
            statements = bytes(whole[:end])
        del gathered[:end]
        ends = _Ends()
        yield statements
    if gathered.strip():
        yield bytes(gathered)


def _is_complete(text: bytearray, end: int) -> bool:
    with memoryview(text) as whole:
        return apsw.complete(str(whole[:end], errors="replace"))


class _Ends:
    """Finds the ends of statements in growing text, outside quotes, brackets and comments."""

    def __init__(self) -> None:
        self._seen = 0
        self._closing = b""  # the end of the quote, bracket or comment at that position

    def last(self, text: bytearray) -> int:
        """Return the position after the last end in the new text; 0 without one. A trigger has several ends."""
        end = 0
        while True:
            if self._closing:
                found = text.find(self._closing, self._seen)
                if found < 0:
                    self._seen = max(self._seen, len(text) - len(self._closing) + 1)
                    return end
                self._seen, self._closing = found + len(self._closing), b""
            token = _TOKEN.search(text, self._seen)
            if token is None:
                self._seen = max(self._seen, len(text) - 1)  # it may be half a token
                return end
            self._seen = token.end()
            if token[0] == b";":
                end = token.end()
            else:
                self._closing = _CLOSING[token[0]]
