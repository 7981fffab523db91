"""Values as SQL literals: the SQL that writes them, with marks, and the Python that replaces the marks."""

from binascii import hexlify
from codecs import getincrementaldecoder
from collections.abc import Iterator
from itertools import count

from sqlitevault.database.row_runs import StoredBytes
from sqlitevault.database.schema import Affinity

# Bytes that no UTF-8 text holds (RFC 3629, section 1): SQL writes them, and Python replaces them.
QUOTE, _BEFORE_OTHERS, BETWEEN_ROWS, BETWEEN_TEXTS = b"\xff", b"\xfe", b"\xfd", b"\xfc"
NUMBERS = {b"integer", b"real", b"null"}
BETWEEN_ARRAYS = b"]" + BETWEEN_ROWS + b"["
_FAR_APART = 50  # bytes from mark to mark
_SHORT = 100  # bytes per row: SQLite makes JSON of so much without allocating memory

Parts = list[str | bytes]  # SQL expressions and, as bytes, constants


def literal(name: str, affinity: Affinity, seen: set[bytes]) -> Parts:
    """Return the parts of a value's literal, with marks, for the types seen in a column.

    Text sorts above every number and below every blob (https://sqlite.org/datatype3.html, section 4.1): testing that
    takes less time than typeof(). quote() would read each character twice, and end text at a NUL. A column of TEXT
    affinity holds no numbers, and turns any that damage put there into text when the dump is loaded.
    """
    quote, before = _as_sql(QUOTE), _as_sql(_BEFORE_OTHERS)
    most = "CAST(x'f5' AS TEXT)"  # sorts above every valid text
    is_text = f"+{name} COLLATE BINARY " + (f"<= {most}" if affinity == "TEXT" else f"BETWEEN '' AND {most}")
    real = _real_literal(name)
    if seen == {b"text"}:
        return [QUOTE, f"CASE WHEN {is_text} THEN {name} ELSE {quote} END", QUOTE]
    if seen == {b"blob"}:
        return [b"X" + QUOTE, f"CASE typeof({name}) WHEN 'blob' THEN hex({name}) ELSE {quote} END", QUOTE]
    if seen == {b"integer"}:
        return [f"CASE typeof({name}) WHEN 'integer' THEN {name} ELSE {quote} END"]
    if seen <= NUMBERS:
        number = f"CASE typeof({name}) WHEN 'integer' THEN {name} WHEN 'real' THEN {real} ELSE {quote} END"
        return [f"CASE WHEN {name} IS NULL THEN 'null' ELSE {number} END"]
    other = (
        f"CASE typeof({name}) WHEN 'integer' THEN {before} || {name} WHEN 'real' THEN {before} || {real} "
        f"WHEN 'blob' THEN 'X' || {quote} || hex({name}) || {quote} ELSE {_as_sql(3 * QUOTE)} END"
    )
    null = _as_sql(_BEFORE_OTHERS + b"null")
    return [f"CASE WHEN {is_text} THEN {quote} || {name} || {quote} WHEN {name} IS NULL THEN {null} ELSE {other} END"]


def in_array(name: str, affinity: Affinity) -> str:
    r"""Return the value of a column for json_array(): a backslash for blobs and -0.0.

    With short values, arrays take up to a third less time than literals. JSON of a blob might be the number that it
    encodes in JSONB (https://sqlite.org/json1.html, section 3). Blobs sort above all other values, and text above all
    numbers, so one comparison is fast where the affinity allows it. JSON drops the sign of -0.0; only columns without
    an affinity keep it, among them ANY in STRICT tables.
    """
    if affinity == "INTEGER":
        odd = f"{name} > {(1 << 63) - 1}"
    elif affinity in ("TEXT", "REAL"):
        odd = f"{name} >= x''"
    else:
        odd = f"{name} >= x'' OR +{name} = 0 AND atan2({name}, -1) < 0"
    return f"CASE WHEN {odd} THEN '\\' ELSE {name} END"


def from_arrays(text: bytes, rows: int) -> bytes | None:
    r"""Turn arrays into SQL, except between rows; None if the values might differ, or if literals are faster.

    JSON text is in double quotes, and holds none if nothing was escaped with a backslash. Reals are written as by
    quote(). Long text takes SQLite more time as JSON. A row that is read in pieces has no text yet.
    """
    if not text or len(text) > _SHORT * rows or b"\\" in text:
        return None
    return text[1:-1].replace(b"'", b"''").replace(b'"', b"'")


def careful_literal(name: str, *, utf8: bool) -> str:
    """Return SQL for the literal of any value; text other than printable ASCII is written as bytes."""
    nul = "x'00'" if utf8 else "x'0000'"
    odd = f"{name} GLOB '*[^ -~]*' OR instr(CAST({name} AS BLOB), {nul})"  # GLOB also ends at a NUL
    text = f"iif({odd}, 'CAST(' || quote(CAST({name} AS BLOB)) || ' AS TEXT)', quote({name}))"
    other = f"WHEN 'real' THEN {_real_literal(name)} WHEN 'null' THEN 'null' ELSE quote({name})"
    return f"CASE typeof({name}) WHEN 'text' THEN {text} {other} END"


def stored_literal(value: StoredBytes, encoding: str) -> Iterator[bytes]:
    """Yield a literal in pieces. Hexadecimal digits are in lower case, which takes a third of the time."""
    if not value.is_text:
        yield b"X'"
        yield from map(hexlify, value.pieces())
        yield b"'"
    elif _is_printed(value, encoding):
        decoder = getincrementaldecoder(encoding)()
        yield b"'"
        yield from (decoder.decode(piece).encode().replace(b"'", b"''") for piece in value.pieces())
        yield b"'"
    else:
        yield b"CAST(X'"
        yield from map(hexlify, value.pieces())
        yield b"' AS TEXT)"


def _is_printed(text: StoredBytes, encoding: str) -> bool:
    """Return whether text can be quoted unchanged; SQLite 3.40 replaces U+FFFE and U+FFFF when it makes UTF-16."""
    decoder = getincrementaldecoder(encoding)()
    marks = "\0\r" if encoding == "UTF-8" else "\0\r\ufffe\uffff"
    try:
        odd = any(mark in part for part in map(decoder.decode, text.pieces()) for mark in marks)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return not odd


def _real_literal(name: str) -> str:
    """Return SQL for a real's literal: quote() drops the sign of -0.0; the angle from atan2 shows it."""
    return f"iif({name} = 0 AND atan2({name}, -1) < 0, '-0.0', quote({name}))"


def _as_sql(mark: bytes) -> str:
    """Return SQL for a mark: || takes the bytes of a blob unchanged."""
    return f"x'{mark.hex()}'"


def unmarked(text: bytes, values: int, meetings: int) -> bytes | None:
    """Replace the marks; None if a value's text holds a mark or something that SQL text cannot hold.

    Each value has a quote on both sides, or a mark before it that says it needs none. Values of unexpected types bring
    extra quotes, and so do bytes in text that equal marks: the expected number means that there are none.
    """
    bare = text.replace(_BEFORE_OTHERS, b"")
    quotes = 2 * (values - meetings - (len(text) - len(bare)))
    if _count(bare, QUOTE, quotes) != quotes or b"\0" in bare:
        return None
    doubled = bare.replace(b"'", b"''")
    if b"\r" in doubled:
        whole = doubled.replace(BETWEEN_TEXTS, QUOTE + b"," + QUOTE)
        finished = _without_returns(whole)
    else:
        whole = finished = doubled.replace(QUOTE, b"'").replace(BETWEEN_TEXTS, b"','")
    return finished if len(whole) - len(doubled) == 2 * meetings else None


def _count(text: bytes, mark: bytes, expected: int) -> int:
    """Count a mark: replace() is faster where marks are far apart, count() where they are close."""
    if len(text) < _FAR_APART * expected:
        return text.count(mark)
    return len(text) - len(text.replace(mark, b""))


def _without_returns(text: bytes) -> bytes:
    r"""Put in quotes, and `replace('…', '\r', char(13))` for text with carriage returns.

    The sqlite3 shell drops a carriage return before a line feed when it reads SQL.
    """
    tokens = (b"\\r%s" % (b"%d" % number if number else b"") for number in count())
    token = next(token for token in tokens if token not in text)
    parts = text.split(QUOTE)
    parts[1::2] = [
        b"replace('%s','%s',char(13))" % (value.replace(b"\r", token), token) if b"\r" in value else b"'%s'" % value
        for value in parts[1::2]
    ]
    return b"".join(parts)


def is_utf8(text: bytes) -> bool:
    """Return whether the text is valid UTF-8."""
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
