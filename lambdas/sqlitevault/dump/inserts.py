"""The rows of a table as INSERT statements, one a line.

SQLite joins many rows to one text, as `row_runs` says, and Python makes statements of that text, a run at a time. A run
of which this way cannot make statements is read again in the next way: each is slower than the one before, and the last
can write everything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import apsw

from sqlitevault.database.row_runs import RowRun, RowText, row_runs
from sqlitevault.database.schema import TableShape, concatenated, quoted

# Bytes that no UTF-8 text holds (RFC 3629, section 1).
_BETWEEN_ROWS, _AROUND_TEXT, _BEFORE_OTHERS, _IN_PLACE_OF_TEXT = b"\xfd", b"\xff", b"\xfe", b"\xfc"
_END = b");\n"
_FAR_APART = 50  # bytes from mark to mark
_WITH_RETURNS = re.compile(rb"\xff([^\xff\r]*\r[^\xff]*)\xff")


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to write rows: SQL for each value's literal, and how many of a row's bring marks; None: they need none."""

    literals: list[str]
    marked: int | None


def insert_statements(connection: apsw.Connection, table: TableShape) -> Iterator[bytes]:
    """Yield an INSERT for each row, many at a time. Any value of any type comes out of them again, to the bit.

    Raises:
        apsw.TooBigError: a row is longer than SQL text may be.
    """
    if not table.columns:
        return
    names, place = [quoted(column) for column in table.columns], []
    if table.rowid_alias and not table.has_integer_primary_key and not table.name.startswith("sqlite_"):
        place = [table.rowid_alias]
    insert = f"INSERT INTO {quoted(table.name)}({','.join(place + names)}) VALUES(".encode("utf-8", "surrogatepass")
    ways = _ways(table, names, utf8=connection.pragma("encoding") == "UTF-8")
    yield from _statements(connection, table, [_Way(place + way.literals, way.marked) for way in ways], insert)


def _ways(table: TableShape, names: list[str], *, utf8: bool) -> list[_Way]:
    careful = _Way([_careful_literal(name, nul="x'00'" if utf8 else "x'0000'") for name in names], None)
    if not utf8:
        return [careful]
    marked = _Way([_marked_literal(name) for name in names], len(names))
    numbers = {quoted(column) for column in table.number_columns}
    if not numbers:
        return [marked, careful]
    literals = [_number_literal(name) if name in numbers else _marked_literal(name) for name in names]
    return [_Way(literals, len(names) - len(numbers)), marked, careful]


def _statements(
    connection: apsw.Connection, table: TableShape, ways: list[_Way], insert: bytes, within: RowRun | None = None
) -> Iterator[bytes]:
    way, *others = ways
    row = RowText(concatenated(way.literals, "','"), b"\n" if way.marked is None else _BETWEEN_ROWS)
    for run in row_runs(connection, table, row, within=within):
        lines = _lines(run, way, row.separator, insert)
        if lines is None:
            yield from _statements(connection, table, others, insert, run)
        else:
            yield insert
            yield lines
            yield _END


def _lines(run: RowRun, way: _Way, separator: bytes, insert: bytes) -> bytes | None:
    """Return the rows with what stands between two INSERTs; None if a value holds a mark, or what SQL text cannot."""
    text = run.text if way.marked is None else _unmarked(run.text, way.marked * run.rows)
    if text is None:
        return None
    between = _END + insert
    statements = text.replace(separator, between)
    if len(statements) - len(text) != (run.rows - 1) * (len(between) - len(separator)) or not _is_utf8(statements):
        return None
    return statements


def _unmarked(text: bytes, values: int) -> bytes | None:
    """Put quotes where marks are; None if the text of a value holds a mark, or what SQL text cannot hold.

    Each value has a mark on both sides or one before it. Bytes like marks in text can only make them more: as many as
    expected means that none is in text.
    """
    bare = text.replace(_BEFORE_OTHERS, b"")
    expected = 2 * (values - (len(text) - len(bare)))
    if _count(bare, _AROUND_TEXT, expected) != expected or b"\0" in bare:
        return None
    doubled = bare.replace(b"'", b"''")
    if b"\r" in doubled:
        doubled = _without_returns(doubled)
    return doubled.replace(_AROUND_TEXT, b"'")


def _count(text: bytes, mark: bytes, expected: int) -> int:
    """Count a mark: replace() jumps from one to the next, count() looks at each byte; which is faster depends."""
    if len(text) < _FAR_APART * expected:
        return text.count(mark)
    return len(text) - len(text.replace(mark, b""))


def _without_returns(text: bytes) -> bytes:
    r"""Return marked text with `replace('…', '\r', char(13))` for text with carriage returns.

    The sqlite3 shell drops those before a line feed when it reads SQL.
    """
    tokens = (b"\\r%s" % (b"%d" % number if number else b"") for number in count())
    token = next(token for token in tokens if token not in text)
    return _WITH_RETURNS.sub(
        lambda found: b"replace(\xff%s\xff,'%s',char(13))" % (found[1].replace(b"\r", token), token), text
    )


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _marked_literal(name: str) -> str:
    """Return SQL for a literal with marks. quote() would look at each character twice, and end text at a NUL.

    Text is what sorts above every number and below every blob (https://sqlite.org/datatype3.html, section 4.1): asking
    that takes less time than typeof().
    """
    around, before = _as_sql(_AROUND_TEXT), _as_sql(_BEFORE_OTHERS)
    bare = f"+{name} COLLATE BINARY"
    return (
        f"CASE WHEN {bare} >= '' AND {bare} < x'' THEN {around} || {name} || {around} ELSE CASE typeof({name}) "
        f"WHEN 'integer' THEN {before} || {name} WHEN 'real' THEN {before} || {_real_literal(name)} "
        f"WHEN 'blob' THEN 'X' || {around} || hex({name}) || {around} ELSE {before} || 'NULL' END END"
    )


def _number_literal(name: str) -> str:
    """Return SQL for the literal of a number or of NULL; a mark that makes the run one for the next way for others."""
    return (
        f"CASE typeof({name}) WHEN 'integer' THEN {name} WHEN 'real' THEN {_real_literal(name)} "
        f"WHEN 'null' THEN 'NULL' ELSE {_as_sql(_IN_PLACE_OF_TEXT)} END"
    )


def _careful_literal(name: str, *, nul: str) -> str:
    """Return SQL for the literal of any value; text is written as bytes unless it is printable ASCII."""
    odd = f"{name} GLOB '*[^ -~]*' OR instr(CAST({name} AS BLOB), {nul})"  # GLOB, too, ends at a NUL
    text = f"iif({odd}, 'CAST(' || quote(CAST({name} AS BLOB)) || ' AS TEXT)', quote({name}))"
    return f"CASE typeof({name}) WHEN 'text' THEN {text} WHEN 'real' THEN {_real_literal(name)} ELSE quote({name}) END"


def _real_literal(name: str) -> str:
    """Return SQL for a real's literal: quote() drops the sign of -0.0; the angle of a point on its axis shows it."""
    return f"iif({name} = 0 AND atan2({name}, -1) < 0, '-0.0', quote({name}))"


def _as_sql(mark: bytes) -> str:
    """Return SQL for a mark: || takes the bytes of a blob as they are."""
    return f"x'{mark.hex()}'"
