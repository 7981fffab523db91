"""What a backup tells about API keys and row counts in files of their own, readable without SQLite."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from sqlitevault.catalog.manifest import Table
from sqlitevault.database.connection import open_copy
from sqlitevault.database.schema import quoted

_TABLE = "api_keys"
# The writer quotes in fields what it ends lines with; an older one leaves a bare \r, which no reader takes.
_QUOTED = "\r\n"
# Never the hash: whoever finds an archive must not be able to try keys against it.
_SHOWN = ("id", "name", "scopes", "is_active", "created_at", "expires_at")


class _Lines(io.StringIO):
    """Text whose lines end as on every other file of an archive."""

    def write(self, line: str, /) -> int:
        """Write one row."""
        return super().write(line.removesuffix(_QUOTED) + "\n")


def key_metadata(path: Path) -> bytes | None:
    """Return the keys of a private copy as CSV with a header, without hashes; None if there is no such table.

    Columns that the table lacks are left empty.

    Raises:
        SourceCorrupt, SourceUnsupported: the table cannot be read.
    """
    with open_copy(path) as connection:
        present = {str(row[1]) for row in connection.execute(f"PRAGMA table_info({_TABLE})")}
        if not present:
            return None
        wanted = [quoted(name) if name in present else "NULL" for name in _SHOWN]
        # As bytes: a name that is not valid text must not stop a backup.
        as_bytes = ", ".join(f"CAST(CAST({column} AS TEXT) AS BLOB)" for column in wanted)
        found = connection.execute(f"SELECT {as_bytes} FROM {_TABLE} ORDER BY {wanted[0]}")
        encoding = str(connection.pragma("encoding"))
        text = _Lines()
        writer = csv.writer(text, lineterminator=_QUOTED)
        writer.writerow(_SHOWN)
        writer.writerows(
            [value and bytes(value).decode(encoding, "backslashreplace") for value in row] for row in found
        )
    return text.getvalue().encode("utf-8", "backslashreplace")


def statistics(tables: Iterable[Table]) -> bytes:
    """Return the content of `db_stats.txt`: a heading, then `table: rows` a line."""
    lines = ["Database Statistics:", *(f"{table.name}: {table.rows}" for table in tables)]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
