"""The rows of a table as INSERT statements, one per line.

SQLite joins many rows into one text (`row_runs`), and Python turns each run of that text into statements. Short and
simple values are read as JSON arrays. From the first run with other values on, values carry marks, and the SQL for a
column depends on the types seen in it so far; a run that holds another type is detected, and read again with that
type. Invalid text is read in a careful and slow way, for its run only.
"""

from collections.abc import Generator, Iterator
from functools import partial

import apsw

from sqlitevault.database.row_runs import ALL_ROWS, FIRST, Place, RowText, long_row, row_runs
from sqlitevault.database.schema import MOST_ARGUMENTS, TableShape, comma_separated, concatenated, quoted
from sqlitevault.dump import literals

_END = b");\n"


def insert_statements(connection: apsw.Connection, table: TableShape) -> Iterator[bytes]:
    """Yield an INSERT for each row, many at a time. They restore any value of any type to the bit.

    Raises:
        apsw.TooBigError: a row is longer than SQL text may be.
    """
    return _Inserts(connection, table).statements() if table.columns else iter(())


class _Inserts:
    """The statements for one table."""

    def __init__(self, connection: apsw.Connection, table: TableShape) -> None:
        self._connection = connection
        self._table = table
        self._encoding = str(connection.pragma("encoding"))
        self._utf8 = self._encoding == "UTF-8"
        self._names = [quoted(column) for column in table.columns]
        self._integer_key = quoted(table.integer_primary_key) if table.integer_primary_key else None
        self._seen: list[set[bytes]] = [set() for _ in self._names]
        self._place: list[str] = []
        if table.rowid_alias and not table.integer_primary_key and not table.name.startswith("sqlite_"):
            self._place = [table.rowid_alias]
        columns = f"({','.join(self._place + self._names)})" if self._place else ""
        self._insert = f"INSERT INTO {quoted(table.name)}{columns} VALUES(".encode("utf-8", "surrogatepass")

    def statements(self) -> Iterator[bytes]:
        """Yield the statements for all rows."""
        if not self._utf8:
            yield from self._carefully(FIRST, ALL_ROWS)
            return
        start, left = FIRST, ALL_ROWS
        if len(self._names) < MOST_ARGUMENTS:
            start, left = yield from self._as_arrays()
        while left:
            start, left = yield from self._as_seen(start, left)

    def _as_arrays(self) -> Generator[bytes, None, tuple[Place, int]]:
        """Write rows up to a run that does not fit arrays; return its place and the number of rows left."""
        place, left = FIRST, ALL_ROWS
        columns = zip(self._names, self._table.affinities, strict=True)
        values = [
            name if name == self._integer_key else literals.in_array(name, affinity) for name, affinity in columns
        ]
        row = RowText(f"json_array({', '.join(self._place + values)})", literals.BETWEEN_ROWS)
        try:
            for run in row_runs(self._connection, self._table, row):
                text = literals.from_arrays(run.text, run.rows)
                lines = self._lines(text, run.rows, literals.BETWEEN_ARRAYS) if text is not None else None
                if lines is None:
                    return run.start, left
                yield from (self._insert, lines, _END)
                left -= run.rows
                place = Place(run.start.ranges, run.start.skip + run.rows)
        except apsw.TooBigError:  # escaped text may be six times as long
            return place, left
        return place, 0

    def _see(self, start: Place, rows: int) -> bool:
        """Add the types of these rows to those seen in the columns; return whether any is new."""
        before = sum(map(len, self._seen))
        types = RowText(comma_separated(f"typeof({name})" for name in self._names))
        for run in row_runs(self._connection, self._table, types, start, rows):
            for row in set(run.text.split(types.separator)):
                for seen, found in zip(self._seen, row.split(b","), strict=True):
                    seen.add(found)
        return sum(map(len, self._seen)) > before

    def _as_seen(self, start: Place, left: int) -> Generator[bytes, None, tuple[Place, int]]:
        """Write rows up to a run with a type not seen before; return its place and the number of rows left."""
        parts = self._parts()
        marked, meetings = sum(not seen <= literals.NUMBERS for seen in self._seen), parts.count(literals.BETWEEN_TEXTS)
        row = RowText(concatenated(parts), literals.BETWEEN_ROWS)
        for run in row_runs(self._connection, self._table, row, start, left):
            text = literals.unmarked(run.text, marked * run.rows, meetings * run.rows)
            lines = self._lines(text, run.rows) if text is not None else None
            if run.long_row is not None:
                yield from self._in_pieces(run.long_row)
            elif lines is not None:
                yield from (self._insert, lines, _END)
            elif self._see(run.start, run.rows):
                return run.start, left
            else:
                yield from self._carefully(run.start, run.rows)
            left -= run.rows
        return start, 0

    def _parts(self) -> literals.Parts:
        """Return the parts of a row for the types seen; one mark instead of three between two texts saves time."""
        parts: literals.Parts = list(self._place)
        for name, affinity, seen in zip(self._names, self._table.affinities, self._seen, strict=True):
            value = literals.literal(name, affinity, seen) if name != self._integer_key else [name]
            if parts[-1:] == value[:1] == [literals.QUOTE]:
                parts[-1:] = [literals.BETWEEN_TEXTS, *value[1:]]
            else:
                parts += [b",", *value] if parts else value
        return parts

    def _lines(self, text: bytes, rows: int, between_rows: bytes = literals.BETWEEN_ROWS) -> bytes | None:
        """Put the text between two INSERTs between the rows; None if a value holds such a mark or is not UTF-8."""
        between = _END + self._insert
        lines = text.replace(between_rows, between)
        if len(lines) - len(text) != (rows - 1) * (len(between) - len(between_rows)) or not literals.is_utf8(lines):
            return None
        return lines

    def _carefully(self, start: Place, rows: int) -> Iterator[bytes]:
        values = (literals.careful_literal(name, utf8=self._utf8) for name in self._names)
        row = RowText(comma_separated([*self._place, *values]))
        for run in row_runs(self._connection, self._table, row, start, rows):
            if run.long_row is not None:
                yield from self._in_pieces(run.long_row)
            else:
                yield from (self._insert, run.text.replace(row.separator, _END + self._insert), _END)

    def _in_pieces(self, rowid: int) -> Iterator[bytes]:
        begun = self._insert + (b"%d," % rowid if self._place else b"")
        left = self._connection.limit(apsw.SQLITE_LIMIT_SQL_LENGTH) - len(begun) - len(_END)
        yield begun
        number = partial(literals.careful_literal, utf8=self._utf8)
        stored = partial(literals.stored_literal, encoding=self._encoding)
        for piece in long_row(self._connection, self._table, rowid, number, stored):
            left -= len(piece)
            if left < 0:
                raise apsw.TooBigError(f"row {rowid} is longer than a statement may be")
            yield piece
        yield _END
