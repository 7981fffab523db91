"""Table rows as text, many rows at a time: SQLite joins them, so few values cross into Python.

The values of a row too long to read whole are read in pieces, so memory does not grow with a value.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import cache, partial

import apsw

from sqlitevault.database.schema import Affinity, TableShape, exact_text, quoted, rows_in_order
from sqlitevault.ground.errors import SourceCorrupt

_WANTED_BYTES = 256 * 1024
# The longest run, except for a single row that cannot be read in pieces. It also bounds the values of one row that
# SQLite holds meanwhile.
_MOST_BYTES = 8 * _WANTED_BYTES
_KEPT_BYTES = 2 * _MOST_BYTES
_FIRST_ROWS = 16
_PIECE_BYTES = 256 * 1024
ALL_ROWS = (1 << 63) - 1

Value = int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Range:
    """Rows whose key starts with all values except the last, and continues above the last one, or from it on.

    The search in the b-tree finds them without comparing anything again. `(a, b) > (?, ?)` would compare, might convert
    a row's value for that, and miss the row.
    """

    values: tuple[Value, ...] = ()
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows start: `skip` rows into the first of some consecutive ranges."""

    ranges: tuple[Range, ...] = (Range(),)
    skip: int = 0


FIRST = Place()


@dataclass(frozen=True, slots=True)
class RowRun:
    """Consecutive rows: where they start, how many they are, and their joined text in UTF-8.

    A single row that is too long for that has no text but its rowid, with which `long_row` reads it.
    """

    start: Place
    rows: int
    text: bytes
    long_row: int | None = None


_Reading = Generator[RowRun, None, tuple[Place, int]]  # returns where to continue, and how many rows are left


@dataclass(frozen=True, slots=True)
class RowText:
    """How to write each row: SQL for its text, and the byte between two rows.

    In a UTF-16 database the text must be valid and the byte ASCII.
    """

    sql: str
    separator: bytes = b"\n"


def row_runs(
    connection: apsw.Connection, table: TableShape, row: RowText, start: Place = FIRST, rows: int = ALL_ROWS
) -> Iterator[RowRun]:
    """Yield up to `rows` rows in the order of the table's own b-tree, about a quarter of a megabyte at a time.

    Raises:
        SourceCorrupt: the keys are not in order.
        apsw.TooBigError: the text of one row is longer than SQLite's limit and cannot be read in pieces.
    """
    _keep_freed_memory()
    return _Rows(connection, table, row).runs(start, rows)


@cache
def _keep_freed_memory() -> None:
    """Make the C library keep the memory that a run frees for the next run: new pages cost up to 40 % of the time.

    Freeing one large block once raises its threshold for that (mallopt(3), M_MMAP_THRESHOLD).
    """
    _ = bytes(_KEPT_BYTES)


class _Rows:
    """The rows of a table, read by key if it has one."""

    def __init__(self, connection: apsw.Connection, table: TableShape, row: RowText) -> None:
        self._connection = connection
        self._table = table
        self._row = row
        self._utf8 = connection.pragma("encoding") == "UTF-8"
        self._key = ", ".join(part.sql for part in table.key)

    def runs(self, place: Place, left: int) -> Iterator[RowRun]:
        """Yield up to `left` rows from `place` on."""
        while left and place.ranges:
            read = self._by_key if self._key and not place.skip else self._in_one_scan
            place, left = yield from read(place, left)

    def _by_key(self, place: Place, left: int) -> _Reading:
        """Query each run anew, from the last key on, so that SQLite never joins far too much."""
        count = _FIRST_ROWS
        while left and place.ranges and not place.skip:
            count = min(count, left)
            try:
                run = self._joined(place, count)
            except apsw.TooBigError:
                if count > 1:
                    count = max(1, count // 8)
                    continue
                if not self._table.in_pieces:
                    raise
                run = self._long_row(place)
            if run.rows:
                yield run
                left -= run.rows
            if run.rows == count:
                place = self._place_after(run)
                count = min(2 * count, max(1, count * _WANTED_BYTES // (len(run.text) + 1)))
            else:
                place = Place(place.ranges[1:])
        return place, left

    def _joined(self, start: Place, count: int) -> RowRun:
        """Join rows within SQLite's own length limit, except for a single row that cannot be read in pieces."""
        separator = "char(10)" if self._row.separator == b"\n" else f"x'{self._row.separator.hex()}'"
        joined = exact_text(f"group_concat(line, {separator})", utf8=self._utf8)
        query = f"SELECT count(*), {joined} FROM (SELECT {self._row.sql} AS line {self._from(start.ranges[0])})"
        usual = self._connection.limit(apsw.SQLITE_LIMIT_LENGTH)
        if count > 1 or self._table.in_pieces:
            self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, _MOST_BYTES)
        try:
            rows, text = next(self._connection.execute(query, (*start.ranges[0].values, count, 0)))
        finally:
            self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, usual)
        return RowRun(start, int(rows), _bytes(text or b""))

    def _long_row(self, start: Place) -> RowRun:
        query = f"SELECT {self._table.rowid_alias} {self._from(start.ranges[0])}"
        rowid = self._connection.execute(query, (*start.ranges[0].values, 1, 0)).get
        return RowRun(start, 1, b"", long_row=int(rowid))

    def _in_one_scan(self, start: Place, left: int) -> _Reading:
        """Read a range row by row when no key says where to continue."""
        query = f"SELECT {exact_text(self._row.sql, utf8=self._utf8)} {self._from(start.ranges[0])}"
        lines: list[bytes] = []
        size, place = 0, start
        for (text,) in self._connection.execute(query, (*start.ranges[0].values, left, start.skip)):
            lines.append(_bytes(text))
            size += len(lines[-1])
            if size > _WANTED_BYTES:
                yield RowRun(place, len(lines), self._row.separator.join(lines))
                place = Place(place.ranges, place.skip + len(lines))
                lines, size = [], 0
        if lines:
            yield RowRun(place, len(lines), self._row.separator.join(lines))
        return Place(place.ranges[1:]), left - (place.skip - start.skip) - len(lines)

    def _place_after(self, run: RowRun) -> Place:
        """Return where the next run starts; SourceCorrupt if the keys are not in order."""
        within, *further = run.start.ranges
        last = self._table.key[len(within.values) - 1].sql
        is_later = f"{last} {self._beyond(within)} ?" if within.values else "true"
        query = f"SELECT {is_later}, {self._key} {self._from(within)}"
        try:
            found = self._connection.execute(query, (*within.values[-1:], *within.values, 1, run.rows)).fetchone()
        except UnicodeDecodeError:
            return Place(run.start.ranges, run.rows)
        if not found:
            return Place(tuple(further))
        later, key = found[0], found[1:]
        if not all(
            self._can_be_asked_for(value, part.affinity) for value, part in zip(key, self._table.key, strict=True)
        ):
            return Place(run.start.ranges, run.rows)
        if not later:
            raise SourceCorrupt(
                f"the rows of table {self._table.name} are not in the order of their keys",
                hint="Take another copy, or restore another backup.",
            )
        longest_first = range(len(key), max(len(within.values), 1) - 1, -1)
        return Place((*(Range(key[:length], inclusive=length == len(key)) for length in longest_first), *further))

    def _from(self, within: Range) -> str:
        *same, last = [part.sql for part in self._table.key[: len(within.values)]] or [""]
        conditions = [f"{part} = ?" for part in same]
        if last:
            conditions.append(f"{last} {self._beyond(within)}{'=' if within.inclusive else ''} ?")
        return f"{rows_in_order(self._table, where=' AND '.join(conditions))} LIMIT ? OFFSET ?"

    def _beyond(self, within: Range) -> str:
        return "<" if self._table.key[len(within.values) - 1].descending else ">"

    def _can_be_asked_for(self, value: Value, affinity: Affinity) -> bool:
        """Return whether a search finds this key value: SQLite converts the operand to the column's affinity."""
        if isinstance(value, str):
            return self._utf8 and affinity in ("TEXT", "BLOB")  # Python may get other text from UTF-16
        if isinstance(value, int | float):
            return affinity != "TEXT"
        return isinstance(value, bytes)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


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
