"""The operator's own checks of a restored database: `DRILL_SQL`.

One check a line: `SELECT count(*) > 0 FROM orders => 1`. The query must return one row with one value, which is
compared as text.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import apsw
from apsw.ext import query_limit

from sqlitevault.catalog.drill_report import Check
from sqlitevault.database.connection import open_copy
from sqlitevault.ground.errors import ConfigError, IntegrityCheckFailed, SourceUnsupported

_ARROW = "=>"
_MOST_SECONDS = 60.0
_STEPS_BETWEEN_LOOKS = 100_000  # instructions of SQLite, some milliseconds


@dataclass(frozen=True, slots=True)
class OwnCheck:
    """A query, and the value that it must return, as text."""

    query: str
    expected: str


def parse_own_checks(text: str | None) -> tuple[OwnCheck, ...]:
    """Read the checks, whose form `Settings` has checked; empty lines are skipped."""
    parts = (line.rpartition(_ARROW) for line in (text or "").splitlines() if line.strip())
    return tuple(OwnCheck(query.strip(), expected.strip()) for query, _, expected in parts)


def ask(database: Path, own: OwnCheck) -> Check:
    """Ask a private copy one question; the copy is opened read-only.

    Raises:
        IntegrityCheckFailed: the question is valid, but this database cannot answer it, for example without a table.
        ConfigError: no database could answer it: wrong SQL, more than one statement or value, longer than a minute.
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
                rows = _rows(connection, own.query)
    except (apsw.Error, SourceUnsupported) as error:
        raise _unanswered(own.query, str(error)) from error
    if len(rows) != 1 or len(rows[0]) != 1:
        raise _unanswered(own.query, f"it returns {len(rows)} rows, not one row with one value")
    found = str(rows[0][0])
    passed = found == own.expected
    return Check(name=own.query, passed=passed, detail=found if passed else f"{found} instead of {own.expected}")


def _rows(connection: apsw.Connection, query: str) -> "list[tuple[apsw.SQLiteValue, ...]]":
    try:
        return connection.execute(query).fetchall()
    except apsw.SQLError as error:
        if not _is_valid(query):
            raise
        raise IntegrityCheckFailed(
            f"the restored database cannot answer: {error}",
            hint="Check whether a table or column is missing; if that is intended, correct DRILL_SQL.",
        ) from error


def _is_valid(query: str) -> bool:
    """Return whether SQLite can parse it as one query: it parses a view's definition without looking up its names."""
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
