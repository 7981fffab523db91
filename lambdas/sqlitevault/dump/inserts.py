"""The rows of a table as INSERT statements, one a line.

SQLite joins many rows to one text, as `row_runs` says, and Python makes statements of that text, a run at a time. What
SQLite is asked to write of a column goes by what the column was seen to hold; where a run holds something else, that is
seen, too, and the run read again. Text that is not valid gets a careful and slow way, for its run only.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import apsw

from sqlitevault.database.row_runs import ALL_ROWS, FIRST, Place, RowRun, RowText, row_runs
from sqlitevault.database.schema import TableShape, comma_separated, concatenated, quoted
from sqlitevault.dump.literals import (
    BETWEEN_ARRAYS,
    BETWEEN_ROWS,
    BETWEEN_TEXTS,
    INTEGERS,
    NUMBERS,
    QUOTE,
    Parts,
    careful_literal,
    from_json_arrays,
    integer_or_null,
    is_utf8,
    json_arrays,
    literal,
    unmarked,
)

_END = b");\n"


@dataclass(frozen=True, slots=True)
class _Row:
    """SQL for a row, what stands between two rows of its text, and what makes values of a text of so many rows.

    That is None if the rows hold something else than was seen before.
    """

    sql: str
    between: bytes
    values: Callable[[bytes, int], bytes | None]


def insert_statements(connection: apsw.Connection, table: TableShape) -> Iterator[bytes]:
    """Yield an INSERT for each row, many at a time. Any value of any type comes out of them again, to the bit.

    Raises:
        apsw.TooBigError: a row is longer than SQL text may be.
    """
    return _Inserts(connection, table).statements() if table.columns else iter(())


class _Inserts:
    """The statements for one table."""

    def __init__(self, connection: apsw.Connection, table: TableShape) -> None:
        self._connection = connection
        self._table = table
        self._utf8 = connection.pragma("encoding") == "UTF-8"
        self._names = [quoted(column) for column in table.columns]
        self._integer_key = quoted(table.integer_primary_key) if table.integer_primary_key else None
        self._seen: list[set[bytes]] = [set() for _ in self._names]
        self._place: list[str] = []
        if table.rowid_alias and not table.integer_primary_key and not table.name.startswith("sqlite_"):
            self._place = [table.rowid_alias]
        columns = f"({','.join(self._place + self._names)})" if self._place else ""
        self._insert = f"INSERT INTO {quoted(table.name)}{columns} VALUES(".encode("utf-8", "surrogatepass")

    def statements(self) -> Iterator[bytes]:
        """Yield all of them."""
        if not self._utf8:
            yield from self._carefully(FIRST, ALL_ROWS)
            return
        start, left = FIRST, ALL_ROWS
        while left:
            start, left = yield from self._as_seen(start, left)

    def _see(self, start: Place, rows: int) -> bool:
        """Find out what the columns hold there; tell whether that is more than was seen before."""
        before = sum(map(len, self._seen))
        types = RowText(comma_separated(f"typeof({name})" for name in self._names))
        for run in row_runs(self._connection, self._table, types, start, rows):
            for row in set(run.text.split(types.separator)):
                for seen, found in zip(self._seen, row.split(b","), strict=True):
                    seen.add(found)
        return sum(map(len, self._seen)) > before

    def _as_seen(self, start: Place, left: int) -> Generator[bytes, None, tuple[Place, int]]:
        """Write rows up to a run that holds what was not seen before; return where it is, and how many are left."""
        row = self._row()
        for run in row_runs(self._connection, self._table, RowText(row.sql, BETWEEN_ROWS), start, left):
            lines = self._lines(row, run)
            if lines is not None:
                yield from (self._insert, lines, _END)
            elif self._see(run.start, run.rows):
                return run.start, left
            else:
                yield from self._carefully(run.start, run.rows)
            left -= run.rows
        return start, 0

    def _row(self) -> _Row:
        """Return what to ask for, by what was seen."""
        if all(seen <= INTEGERS for seen in self._seen):
            values = [name if name == self._integer_key else integer_or_null(name) for name in self._names]
            return _Row(json_arrays(self._place + values), BETWEEN_ARRAYS, lambda text, _: from_json_arrays(text))
        return self._marked_row()

    def _marked_row(self) -> _Row:
        """Return what to ask for of any values; a mark instead of three where text meets text saves time."""
        parts: Parts = list(self._place)
        for name, affinity, seen in zip(self._names, self._table.affinities, self._seen, strict=True):
            value = literal(name, affinity, seen) if name != self._integer_key else [name]
            if parts[-1:] == value[:1] == [QUOTE]:
                parts[-1:] = [BETWEEN_TEXTS, *value[1:]]
            else:
                parts += [b",", *value] if parts else value
        marked = sum(not seen <= NUMBERS for seen in self._seen)
        meetings = parts.count(BETWEEN_TEXTS)
        return _Row(
            concatenated(parts), BETWEEN_ROWS, lambda text, rows: unmarked(text, marked * rows, meetings * rows)
        )

    def _lines(self, row: _Row, run: RowRun) -> bytes | None:
        """Return the rows with what stands between two INSERTs; None if text holds such a mark, or is no UTF-8."""
        text = row.values(run.text, run.rows)
        if text is None:
            return None
        between = _END + self._insert
        lines = text.replace(row.between, between)
        if len(lines) - len(text) != (run.rows - 1) * (len(between) - len(row.between)) or not is_utf8(lines):
            return None
        return lines

    def _carefully(self, start: Place, rows: int) -> Iterator[bytes]:
        literals = [careful_literal(name, utf8=self._utf8) for name in self._names]
        row = RowText(comma_separated([*self._place, *literals]))
        for run in row_runs(self._connection, self._table, row, start, rows):
            yield from (self._insert, run.text.replace(row.separator, _END + self._insert), _END)
