"""The text of a table's rows, many rows at a time: SQLite joins them, so that few values cross into Python."""

from collections.abc import Iterator
from dataclasses import dataclass

import apsw

from sqlitevault.database.schema import TableShape, exact_text, quoted, scan_order

_WANTED_BYTES = 256 * 1024
# No run is longer, but for one row that is: memory stays bounded, whatever the rows hold.
_MOST_BYTES = 8 * _WANTED_BYTES
_FIRST_ROWS = 16
_LEAST_ROWID, _GREATEST_ROWID = -(1 << 63), (1 << 63) - 1
_ALL_ROWS = _GREATEST_ROWID


@dataclass(frozen=True, slots=True)
class RowRun:
    """Rows that follow each other: where they start, how many they are, and their text in UTF-8, joined.

    Rows start at a rowid or, in a table whose rowid has no name, after a number of others.
    """

    start: int
    rows: int
    text: bytes


@dataclass(frozen=True, slots=True)
class RowText:
    """What to write of each row: SQL for its text, and the byte between two rows.

    In a UTF-16 database the text must be valid and the byte ASCII.
    """

    sql: str
    separator: bytes = b"\n"

    @property
    def sql_separator(self) -> str:
        """SQL for the separator."""
        return "char(10)" if self.separator == b"\n" else f"x'{self.separator.hex()}'"


def row_runs(
    connection: apsw.Connection, table: TableShape, row: RowText, *, within: RowRun | None = None
) -> Iterator[RowRun]:
    """Yield the rows in the order of the table's own b-tree, about a quarter of a megabyte at a time.

    `within` reads the rows of an earlier run again, to write something else of them.

    Raises:
        apsw.TooBigError: the text of one row is longer than SQLite's limit.
    """
    rows = within.rows if within else _ALL_ROWS
    if table.rowid_alias:
        return _by_rowid(connection, table, row, within.start if within else _LEAST_ROWID, rows)
    return _in_one_scan(connection, table, row, within.start if within else 0, rows)


def _by_rowid(connection: apsw.Connection, table: TableShape, row: RowText, start: int, left: int) -> Iterator[RowRun]:
    """Ask again for each run, from the rowid after the last: what is joined then is never much too long."""
    utf8 = _is_utf8(connection)
    joined = exact_text(f"group_concat(line, {row.sql_separator})", utf8=utf8)
    query = (
        f"SELECT count(*), max(place), {joined} FROM (SELECT {table.rowid_alias} AS place, {row.sql} AS line "
        f"FROM {quoted(table.name)} NOT INDEXED WHERE {table.rowid_alias} >= ? ORDER BY {table.rowid_alias} LIMIT ?)"
    )
    count = _FIRST_ROWS
    while left:
        count = min(count, left)
        try:
            found, last, text = _fetch(connection, query, (start, count))
        except apsw.TooBigError:
            if count == 1:
                raise
            count = max(1, count // 8)
            continue
        if not found:
            return
        run = RowRun(start, found, _bytes(text))
        yield run
        if last == _GREATEST_ROWID:
            return
        start, left = last + 1, left - found
        count = min(2 * count, max(1, count * _WANTED_BYTES // (len(run.text) + 1)))


def _fetch(connection: apsw.Connection, query: str, values: tuple[int, int]) -> tuple[int, int, str | bytes]:
    """Join rows within a limit that SQLite holds itself to; a single row may have any length."""
    _, count = values
    usual = connection.limit(apsw.SQLITE_LIMIT_LENGTH)
    if count > 1:
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, _MOST_BYTES)
    try:
        found, last, text = next(connection.execute(query, values))
    finally:
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, usual)
    return int(found), int(last or 0), text or b""


def _in_one_scan(
    connection: apsw.Connection, table: TableShape, row: RowText, start: int, rows: int
) -> Iterator[RowRun]:
    """Read row by row where no rowid tells where to go on."""
    line = exact_text(row.sql, utf8=_is_utf8(connection))
    query = f"SELECT {line} FROM {quoted(table.name)}{scan_order(table)} LIMIT ? OFFSET ?"
    lines: list[str | bytes] = []
    size = 0
    for (text,) in connection.execute(query, (rows, start)):
        lines.append(text)
        size += len(text)
        if size > _WANTED_BYTES:
            yield RowRun(start, len(lines), row.separator.join(map(_bytes, lines)))
            start += len(lines)
            lines, size = [], 0
    if lines:
        yield RowRun(start, len(lines), row.separator.join(map(_bytes, lines)))


def _is_utf8(connection: apsw.Connection) -> bool:
    return bool(connection.pragma("encoding") == "UTF-8")


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
