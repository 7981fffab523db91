"""Content digests: two databases with equal digests hold the same rows, whatever their page layout.

docs/content-digest.md defines the digests so that anyone can compute them again.
"""

import hashlib
import json
import struct
from binascii import hexlify
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import apsw

from sqlitevault.catalog.manifest import Table
from sqlitevault.database.connection import open_copy
from sqlitevault.database.row_runs import RowText, StoredBytes, long_row, row_runs
from sqlitevault.database.schema import TableShape, comma_separated, quoted, tables

_SEQUENCE = "sqlite_sequence"


def read_tables(path: Path) -> tuple[Table, ...]:
    """Return the row count and content digest of every table of a private copy; each table is read once.

    A virtual table's digest is computed from its shadow tables, which hold all its data and are not listed themselves.

    Raises:
        SourceCorrupt: a table cannot be read.
        SourceUnsupported: a table needs a module that this SQLite does not have.
    """
    with open_copy(path) as connection:
        connection.create_scalar_function("exact_real", _exact_real, 1, deterministic=True)
        utf8 = connection.pragma("encoding") == "UTF-8"
        read = {table.name: _read(connection, table, utf8=utf8) for table in tables(connection) if table.is_plain}
        return tuple(
            _virtual(connection, table, read) if table.kind == "virtual" else read[table.name]
            for table in tables(connection)
            if table.kind != "shadow" and not table.name.startswith("sqlite_")
        )


def _read(connection: apsw.Connection, table: TableShape, *, utf8: bool) -> Table:
    digest = hashlib.sha256()
    rows = 0
    canonical, stored = partial(_canonical, utf8=utf8), partial(_stored, utf8=utf8)
    row = RowText(comma_separated(map(canonical, map(quoted, table.columns))))
    for run in row_runs(connection, table, row):
        digest.update(run.text)
        if run.long_row is not None:
            for piece in long_row(connection, table, run.long_row, canonical, stored):
                digest.update(piece)
        digest.update(b"\n")
        rows += run.rows
    return Table(name=table.name, rows=rows, digest=digest.hexdigest())


def _canonical(column: str, *, utf8: bool) -> str:
    """Return SQL for one value's canonical text: quote(), or an exact form where quote() loses something.

    quote() ends text at a NUL and cannot write invalid UTF-16; its digits of a real depend on SQLite's version.
    """
    as_bytes = f"'t' || hex(CAST({column} AS BLOB))"
    # length() ends at a NUL, octet_length() does not: only where they differ can the bytes hold a NUL.
    nul = f"length({column}) <> octet_length({column}) AND instr(CAST({column} AS BLOB), x'00')"
    text = f"CASE WHEN {nul} THEN {as_bytes} ELSE quote({column}) END" if utf8 else as_bytes
    return (
        f"CASE typeof({column}) WHEN 'text' THEN {text} WHEN 'real' THEN exact_real({column}) ELSE quote({column}) END"
    )


def _stored(value: StoredBytes, *, utf8: bool) -> Iterator[bytes]:
    """Yield the canonical text of text or a blob, in pieces."""
    if value.is_text and utf8 and not any(b"\0" in piece for piece in value.pieces()):
        yield b"'"
        yield from (piece.replace(b"'", b"''") for piece in value.pieces())
        yield b"'"
        return
    yield b"t" if value.is_text else b"X'"
    yield from (hexlify(piece).upper() for piece in value.pieces())
    yield b"" if value.is_text else b"'"


def _exact_real(*value: object) -> str:
    return "r" + struct.pack(">d", *value).hex()


def _virtual(connection: apsw.Connection, table: TableShape, read: dict[str, Table]) -> Table:
    shadows = [read[name] for name in sorted(read) if name.rpartition("_")[0].lower() == table.name.lower()]
    digest = hashlib.sha256("".join(f"{shadow.name} {shadow.digest}\n" for shadow in shadows).encode())
    rows = connection.execute(f"SELECT count(*) FROM {quoted(table.name)}").get
    return Table(name=table.name, rows=int(rows), digest=digest.hexdigest())


def schema_digest(path: Path) -> str:
    """Return a digest of everything except rows: tables, indexes, views, triggers and AUTOINCREMENT counters.

    Raises:
        SourceCorrupt: the schema cannot be read.
        SourceUnsupported: it needs a newer SQLite.
    """
    with open_copy(path) as connection:
        found = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        ).fetchall()
        counters = []
        if connection.table_exists("main", _SEQUENCE):
            counters = connection.execute(f"SELECT quote(name), quote(seq) FROM {_SEQUENCE}").fetchall()
    lines = [json.dumps(entry, separators=(",", ":")) + "\n" for entry in [*sorted(found), *sorted(counters)]]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def statistics(tables: Iterable[Table]) -> bytes:
    """Return the content of `db_stats.txt`: a heading, then `table: rows` a line."""
    lines = ["Database Statistics:", *(f"{table.name}: {table.rows}" for table in tables)]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
