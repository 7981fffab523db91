"""Load SQL text into a new database, a few statements at a time, whoever wrote the text."""

import re
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO

import apsw

from sqlitevault.ground.errors import IntegrityCheckFailed
from sqlitevault.ground.files import unfinished
from sqlitevault.ground.steps import OnBytes, ignore_bytes

_BLOCK = 1 << 20
_END = b";\n"
# What semicolons may be in (https://sqlite.org/lang_keywords.html, lang_comment.html): a doubled quote ends and begins.
_CLOSING = {b"'": b"'", b'"': b'"', b"`": b"`", b"[": b"]", b"--": b"\n", b"/*": b"*/"}
_TOKEN = re.compile(b";|" + b"|".join(map(re.escape, _CLOSING)))
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
    with unfinished(destination, durable=durable) as made:
        with sql.open("rb") as text, closing(_new_database(made)) as connection:
            _execute(connection, text, on_bytes)
        _require_content(made)


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
        if ";" not in line or not apsw.complete(gathered):
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
    gathered, ends = bytearray(), _Ends()
    while block := text.read(_BLOCK):
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
    """Looks for the ends of statements in text that grows, passing over quotes, brackets and comments."""

    def __init__(self) -> None:
        self._seen = 0
        self._closing = b""  # of what text up to there is within

    def last(self, text: bytearray) -> int:
        """Return what is behind the last one in what was not seen before; 0 if there is none. A trigger has several."""
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
                self._seen = max(self._seen, len(text) - 1)  # it may be the half of one
                return end
            self._seen = token.end()
            if token[0] == b";":
                end = token.end()
            else:
                self._closing = _CLOSING[token[0]]
