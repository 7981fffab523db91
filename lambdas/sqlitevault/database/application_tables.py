"""The application's own tables, which its profile names: API keys and logged events."""

import csv
import io
from contextlib import closing, suppress
from pathlib import Path

import apsw

from sqlitevault.database.connection import open_copy
from sqlitevault.database.schema import quoted
from sqlitevault.ground.errors import ConfigError, SourceBusy, TargetUnwritable
from sqlitevault.ground.profile import EventTable, KeyTable

_BUSY_MILLISECONDS = 10_000
_EVENT = ("timestamp", "type", "source", "data")
_OTHER_DATABASE = "Check DATABASE_PATH, and APPLICATION_PROFILE, which says what tables to expect."
# csv quotes the characters of its line ending in fields; with "\n" older versions leave a bare \r that breaks readers.
_QUOTED = "\r\n"


class _Lines(io.StringIO):
    """Text with the line endings of all other files in an archive."""

    def write(self, line: str, /) -> int:
        """Write one row."""
        return super().write(line.removesuffix(_QUOTED) + "\n")


def key_metadata(path: Path, keys: KeyTable) -> bytes | None:
    """Return the keys of a private copy as CSV with a header, without hashes; None if there is no such table.

    Columns that the table lacks are left empty.

    Raises:
        SourceCorrupt, SourceUnsupported: the table cannot be read.
    """
    with open_copy(path) as connection:
        present = {str(row[1]) for row in connection.execute(f"PRAGMA table_info({quoted(keys.table)})")}
        if not present:
            return None
        wanted = [quoted(name) if name in present else "NULL" for name in keys.columns]
        # As bytes: a name that is not valid text must not stop a backup.
        as_bytes = ", ".join(f"CAST(CAST({column} AS TEXT) AS BLOB)" for column in wanted)
        found = connection.execute(f"SELECT {as_bytes} FROM {quoted(keys.table)} ORDER BY {wanted[0]}")
        encoding = str(connection.pragma("encoding"))
        text = _Lines()
        writer = csv.writer(text, lineterminator=_QUOTED)
        writer.writerow(keys.columns)
        writer.writerows(
            [value and bytes(value).decode(encoding, "backslashreplace") for value in row] for row in found
        )
    return text.getvalue().encode("utf-8", "backslashreplace")


def list_keys(copy: Path, keys: KeyTable) -> tuple[dict[str, str | bool], ...]:
    """Return what may be shown of the keys in a private copy of the database, by column; `keys.active` is a bool.

    Raises:
        ConfigError: the database has no such table.
    """
    metadata = key_metadata(copy, keys)
    if metadata is None:
        raise ConfigError(f"the database has no table {keys.table}", hint=_OTHER_DATABASE)
    read = csv.DictReader(io.StringIO(metadata.decode()))
    return tuple({**row, keys.active: is_active(row, keys)} for row in read)


def is_active(key: dict[str, str], keys: KeyTable) -> bool:
    """Return whether a key, as a row of `key_metadata`, is active."""
    return key[keys.active] not in ("", "0")


def require_keys(live: Path, keys: KeyTable) -> None:
    """Check that the live database has keys to revoke. If it cannot be read now, the backup reports that.

    Raises:
        ConfigError: it has no such table, or not the column that is to be changed.
    """
    with suppress(apsw.Error), closing(apsw.Connection(str(live), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        try:
            connection.execute(f"SELECT {_column(keys.table, keys.active)} FROM {quoted(keys.table)} LIMIT 0")
        except apsw.SQLError as error:
            raise ConfigError(
                f"the database has no table {keys.table} with a column {keys.active}", hint=_OTHER_DATABASE
            ) from error


def revoke_all(live: Path, keys: KeyTable) -> int:
    """Deactivate every key of the live database in one transaction; return how many were active.

    Raises:
        SourceBusy: the database stayed locked.
        TargetUnwritable: this user, the disk or the database itself does not allow it; nothing was changed.
    """
    table, active = quoted(keys.table), quoted(keys.active)
    with closing(apsw.Connection(str(live), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        connection.set_busy_timeout(_BUSY_MILLISECONDS)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"UPDATE {table} SET {active} = 0 WHERE {active} <> 0")
            revoked = connection.changes()
            connection.execute("COMMIT")
        except apsw.BusyError as error:
            raise SourceBusy(f"{live} is locked", hint="Stop the application and run it again.") from error
        except (apsw.ReadOnlyError, apsw.FullError, apsw.IOError) as error:
            raise TargetUnwritable(
                f"{live} cannot be written: {error}", hint="Run it as the user who owns the database; check the disk."
            ) from error
        except apsw.Error as error:
            raise TargetUnwritable(
                f"the keys cannot be revoked: {error}",
                hint=f"No key was changed: look for a trigger or a constraint on {keys.table} that refuses it.",
            ) from error
    return revoked


def last_events(copy: Path, events: EventTable, *, kind: str, limit: int) -> tuple[dict[str, str], ...]:
    """Return the newest events whose type begins with `kind`, newest first, from a private copy of the database.

    Each has timestamp, type, source and data, as text of the application's.

    Raises:
        ConfigError: the database has no such table, or other columns.
    """
    columns = (events.time, events.kind, events.source, events.data)
    time, of_kind, source, data = (_column(events.table, column) for column in columns)
    query = (
        f"SELECT {time}, {of_kind}, {source}, {data} FROM {quoted(events.table)}"
        f" WHERE substr({of_kind}, 1, ?) = ? ORDER BY {time} DESC LIMIT ?"
    )
    with open_copy(copy) as connection:
        try:
            found = connection.execute(query, (len(kind), kind, limit)).fetchall()
        except apsw.SQLError as error:
            raise ConfigError(
                f"the database has no table {events.table} with {', '.join(columns)}", hint=_OTHER_DATABASE
            ) from error
    return tuple(dict(zip(_EVENT, map(str, row), strict=True)) for row in found)


def _column(table: str, name: str) -> str:
    """Return a column for SQL text, with its table: SQLite would take an unknown quoted name for a string."""
    return f"{quoted(table)}.{quoted(name)}"
