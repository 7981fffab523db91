"""Connections to private databases: read-only copies with untrusted schemas, and new files."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
from apsw.ext import compose_uri

from sqlitevault.database.header import read_header
from sqlitevault.ground.errors import SourceCorrupt, SourceUnsupported

_CACHE_KIB = 2 * 1024  # pages are read once, in order: a larger cache would only cost memory
_DAMAGE = (apsw.CorruptError, apsw.NotADBError)
_UNREADABLE_DEFINITION = re.compile(r"malformed database schema \((?P<name>.*)\) - (?P<reason>.*)", re.DOTALL)


@contextmanager
def open_copy(path: Path) -> Iterator[apsw.Connection]:
    """Open a private, local copy that nothing writes.

    Immutable: SQLite takes no lock and creates no file beside it (https://sqlite.org/uri.html, section 3.2). Hardened
    against hostile schemas (https://sqlite.org/security.html, section 1).

    Raises:
        SourceNotFound: the file does not exist.
        SourceCorrupt: SQLite finds it malformed, on opening or in the body.
        SourceUnsupported: it uses a function, collation, module or feature that this SQLite does not have, or holds a
            row too long for SQL text or names that are not valid text.
    """
    header = read_header(path)
    try:
        with closing(_connect(path)) as connection:
            yield connection
    except _DAMAGE as error:
        raise _damaged(error, header.sqlite_version) from error
    except apsw.SQLError as error:
        raise _unsupported(str(error), header.sqlite_version) from error
    except apsw.TooBigError as error:
        raise SourceUnsupported(
            "a row is too long for SQL text, limited to 1 GB; a blob, or text written as bytes, counts twice",
            hint="Keep values of this size in files, or back up the database with SQLite's own tools.",
        ) from error
    except UnicodeDecodeError as error:
        raise SourceUnsupported(
            "the schema holds a name or a definition that is not valid Unicode",
            hint="The data is not damaged. Rename the table, column or other object that has that name.",
        ) from error


def _connect(path: Path) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(immutable_uri(path), flags=flags)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    # Prepare a query once, not again for each value bound to it.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.execute(f"PRAGMA cell_size_check = ON; PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def immutable_uri(path: Path) -> str:
    """Return the URI with which SQLite opens a file that nothing writes, without locks (https://sqlite.org/uri.html)."""
    return compose_uri(str(path.absolute()), {"immutable": 1})


@contextmanager
def new_database(path: Path) -> Iterator[apsw.Connection]:
    """Create a private database and open it for writing, without a journal and without syncing.

    Nobody else opens the file meanwhile, so it needs no journal; the caller syncs the finished file.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
    with closing(apsw.Connection(str(path.absolute()), flags=flags)) as connection:
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        connection.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF")
        yield connection


def _damaged(error: Exception, written_by: str) -> SourceCorrupt | SourceUnsupported:
    definition = _UNREADABLE_DEFINITION.search(str(error))
    if definition and is_newer(written_by):
        return _unsupported(f"the definition of {definition['name']} is unknown: {definition['reason']}", written_by)
    return SourceCorrupt(
        f"SQLite cannot read the database: {error}", hint="Take another copy, or restore another backup."
    )


def _unsupported(error: str, written_by: str) -> SourceUnsupported:
    if is_newer(written_by):
        return SourceUnsupported(
            f"the database was last written by SQLite {written_by}: {error}",
            hint=f"The data is not damaged. Use a sqlitevault with a newer SQLite than {apsw.sqlite_lib_version()}.",
        )
    return SourceUnsupported(
        f"the database uses something that is not available here: {error}",
        hint="Functions, collations and modules of the application itself exist only inside the application.",
    )


def is_newer(version: str) -> bool:
    """Return whether this version of SQLite is newer than the library used here."""
    theirs, ours = (tuple(map(int, number.split("."))) for number in (version, apsw.sqlite_lib_version()))
    return theirs > ours
