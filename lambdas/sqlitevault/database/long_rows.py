"""Rows too long to read whole: text and blobs are read in pieces, so memory does not grow with a value."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import apsw

from sqlitevault.database.schema import TableShape, quoted

_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """Text in the database's encoding, or a blob; each call of `pieces` reads it from the start."""

    is_text: bool
    pieces: Callable[[], Iterator[bytes]]


def long_row(
    connection: apsw.Connection,
    table: TableShape,
    rowid: int,
    number: Callable[[str], str],
    stored: Callable[[StoredBytes], Iterator[bytes]],
) -> Iterator[bytes]:
    """Yield the values of a row in pieces, separated by commas.

    `number` returns SQL for the text of a column that holds a number or NULL; `stored` writes text and blobs.
    """
    for position, column in enumerate(table.columns):
        if position:
            yield b","
        name, where = quoted(column), f"FROM {quoted(table.name)} WHERE {table.rowid_alias} = ?"
        kind = connection.execute(f"SELECT typeof({name}) {where}", (rowid,)).get
        if kind in ("text", "blob"):
            yield from stored(StoredBytes(kind == "text", partial(_pieces, connection, table, column, rowid)))
        else:
            yield str(connection.execute(f"SELECT {number(name)} {where}", (rowid,)).get).encode()


def _pieces(connection: apsw.Connection, table: TableShape, column: str, rowid: int) -> Iterator[bytes]:
    try:
        opened = connection.blob_open("main", table.name, column, rowid, writeable=False)
    except apsw.SQLError:  # the column was added later: its default is only in the schema
        query = f"SELECT CAST({quoted(column)} AS BLOB) FROM {quoted(table.name)} WHERE {table.rowid_alias} = ?"
        yield connection.execute(query, (rowid,)).get
        return
    with opened as value:
        while piece := value.read(_PIECE_BYTES):
            yield piece
