"""The whole content of a database, read by the standard library column by column, to compare copies to the last bit."""

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

_FACTS = ("user_version", "application_id", "page_size", "auto_vacuum", "encoding", "integrity_check")

Content = dict[tuple[str, str], list[object]]


def raw_content(path: Path) -> Content:
    """Return every stored value of every table with its type, implicit rowids, the schema and the header's facts."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        content: Content = {("PRAGMA", fact): connection.execute(f"PRAGMA {fact}").fetchall() for fact in _FACTS}
        schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*' ORDER BY 1, 2"
        content["the", "schema"] = connection.execute(schema).fetchall()
        for name, without_rowid in _tables(connection):
            columns = _stored_columns(connection, name)
            if not without_rowid and not name.startswith("sqlite_"):
                columns += [alias for alias in ("rowid", "_rowid_", "oid") if alias not in map(str.lower, columns)][:1]
            order = _key_order(connection, name)
            for column in columns:
                content[name, column] = _values(connection, name, column, order)
    return content


def require_same(loaded: Path, source: Path) -> None:
    """Compare two databases value by value; on a difference, name the column instead of printing both."""
    found, wanted = raw_content(loaded), raw_content(source)
    assert found.keys() == wanted.keys()
    assert [where for where in wanted if found[where] != wanted[where]] == []


def _tables(connection: sqlite3.Connection) -> list[tuple[str, bool]]:
    listed = connection.execute("PRAGMA table_list").fetchall()
    return [
        (name.decode(), bool(without_rowid))
        for schema, name, kind, _, without_rowid, _ in listed
        if schema == b"main" and kind in (b"table", b"shadow") and name not in (b"sqlite_schema", b"sqlite_stat4")
    ]


def _stored_columns(connection: sqlite3.Connection, table: str) -> list[str]:
    described = connection.execute("SELECT name FROM pragma_table_xinfo(?)", (table,)).fetchall()
    return [name.decode() for (name,) in described]


def _key_order(connection: sqlite3.Connection, table: str) -> str:
    key = connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE pk ORDER BY pk", (table,)).fetchall()
    return f"ORDER BY {', '.join(_quoted(part.decode()) for (part,) in key)}" if key else ""


def _values(connection: sqlite3.Connection, table: str, column: str, order: str) -> list[object]:
    name = _quoted(column)
    bits = f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END"
    rows = connection.execute(f"SELECT typeof({name}), {bits} FROM {_quoted(table)} NOT INDEXED {order}")
    return [(kind, struct.pack(">d", value) if isinstance(value, float) else value) for kind, value in rows]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
