"""SQLite's own checks of a private copy: integrity and foreign keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import apsw

from sqlitevault.database.connection import open_copy
from sqlitevault.database.schema import quoted, tables
from sqlitevault.ground.errors import SourceCorrupt

_MOST_PROBLEMS = 100
_MISMATCH = "foreign key mismatch"
_CACHE_KIB = 32 * 1024  # index entries are looked up in the table's row order, so pages are read repeatedly


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Problems that integrity_check found, and violated foreign keys; both empty if all is well.

    A violated foreign key is not damage: SQLite enforces them only for connections that ask for it.
    """

    integrity: tuple[str, ...]
    foreign_keys: tuple[str, ...]


def check(path: Path) -> CheckReport:
    """Run integrity_check and foreign_key_check on a private copy.

    Raises:
        SourceNotFound: the file does not exist.
        SourceCorrupt: it is empty or not SQLite.
        SourceUnsupported: it uses something that this SQLite does not have.
    """
    try:
        with open_copy(path) as connection:
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            problems = _problems(connection)
            violations = () if problems else tuple(islice(_violations(connection), _MOST_PROBLEMS))
    except SourceCorrupt as error:
        if error.__cause__ is None:
            raise
        return CheckReport(integrity=(str(error.__cause__),), foreign_keys=())
    return CheckReport(integrity=problems, foreign_keys=violations)


def _problems(connection: apsw.Connection) -> tuple[str, ...]:
    try:
        found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})")]
    except apsw.SQLError:
        _name_virtual_table(connection)
        raise
    return () if found == ["ok"] else tuple(found)


def _name_virtual_table(connection: apsw.Connection) -> None:
    """Raise with the definition of the virtual table whose module fails; SQLite's own message lacks it."""
    for table in tables(connection):
        if table.kind != "virtual":
            continue
        try:
            connection.execute(f"PRAGMA integrity_check({quoted(table.name)})").fetchall()
        except apsw.SQLError as error:
            raise apsw.SQLError(f"{error}: {table.sql}") from error


def _violations(connection: apsw.Connection) -> Iterator[str]:
    for table in tables(connection):
        try:
            for child, rowid, parent, _ in connection.execute(f"PRAGMA foreign_key_check({quoted(table.name)})"):
                yield f"{child} row {rowid} -> {parent}"
        except apsw.SQLError as error:
            # A parent column without a unique index is an error only where foreign keys are enforced.
            if not str(error).startswith(_MISMATCH):
                raise
            yield str(error)
