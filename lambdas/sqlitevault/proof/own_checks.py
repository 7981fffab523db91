"""The operator's own questions to a restored database, each with the answer it must give (`DRILL_SQL`).

One a line: `SELECT count(*) > 0 FROM agents => 1`. The query gives one row with one value, which is compared as text.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import apsw
from apsw.ext import query_limit

from sqlitevault.database.connection import open_copy
from sqlitevault.ground.errors import ConfigError, IntegrityCheckFailed, SourceUnsupported

_ARROW = "=>"
_MOST_SECONDS = 60.0
_STEPS_BETWEEN_LOOKS = 100_000  # instructions of SQLite, some milliseconds


@dataclass(frozen=True, slots=True)
class OwnCheck:
    """A query, and the text of the only value that it must give."""

    query: str
    expected: str


def parse_own_checks(text: str | None) -> tuple[OwnCheck, ...]:
    """Read the checks, whose form `Settings` has looked at; empty lines are passed over."""
    parts = (line.rpartition(_ARROW) for line in (text or "").splitlines() if line.strip())
    return tuple(OwnCheck(query.strip(), expected.strip()) for query, _, expected in parts)


def answer(database: Path, query: str) -> str:
    """Return what a query says of a private copy, as text; the copy is opened read-only.

    Raises:
        IntegrityCheckFailed: it is a right question that this database cannot answer, as when a table is gone.
        ConfigError: nothing could answer it: wrong SQL, more than one statement or value, longer than a minute.
    """
    try:
        with open_copy(database) as connection:
            connection.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
            with query_limit(
                connection,
                timeout=_MOST_SECONDS,
                timeout_exception=apsw.InterruptError,
                timeout_steps=_STEPS_BETWEEN_LOOKS,
            ):
                rows = _rows(connection, query)
    except (apsw.Error, SourceUnsupported) as error:
        raise _unanswered(query, str(error)) from error
    if len(rows) != 1 or len(rows[0]) != 1:
        raise _unanswered(query, f"it gives {len(rows)} rows where one with one value is wanted")
    return str(rows[0][0])


def _rows(connection: apsw.Connection, query: str) -> "list[tuple[apsw.SQLiteValue, ...]]":
    try:
        return connection.execute(query).fetchall()
    except apsw.SQLError as error:
        if not _is_a_question(query):
            raise
        raise IntegrityCheckFailed(
            f"the restored database cannot answer: {error}",
            hint="Look whether a table or a column is gone; if it should be, correct DRILL_SQL.",
        ) from error


def _is_a_question(query: str) -> bool:
    """Tell whether SQLite can parse it as one query: a view's definition is parsed, but its names are not looked up."""
    with closing(apsw.Connection(":memory:")) as empty:
        try:
            empty.execute(f"CREATE VIEW question AS {query}")
        except apsw.SQLError:
            return False
    return True


def _unanswered(query: str, why: str) -> ConfigError:
    return ConfigError(
        f"a check of DRILL_SQL cannot be answered: {query}: {why}",
        hint="Correct DRILL_SQL; try the query on the live database first.",
    )
