"""The tables of a private copy, and SQL text that reads them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, cast

import apsw

Kind = Literal["table", "virtual", "shadow"]
Affinity = Literal["TEXT", "NUMERIC", "INTEGER", "REAL", "BLOB"]
# Of a function: every build takes 127 or more, ours 1000. A chain of || nests as deep as it is long (limit 1000).
MOST_ARGUMENTS = 100
_AFFINITIES: tuple[tuple[tuple[str, ...], Affinity], ...] = (
    (("INT",), "INTEGER"),
    (("CHAR", "CLOB", "TEXT"), "TEXT"),
    (("BLOB",), "BLOB"),
    (("REAL", "FLOA", "DOUB"), "REAL"),
)


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One part of a key: SQL with its collation, the column's affinity, and whether the order descends."""

    sql: str
    affinity: Affinity
    descending: bool = False


@dataclass(frozen=True, slots=True)
class TableShape:
    """One table. `columns` are the stored ones; generated and hidden columns are left out.

    `rowid_alias` is a name for the rowid in SQL, if the columns left one free; `integer_primary_key` is the column that
    is the rowid itself. `key` is the sort order of the table's own b-tree, if SQL can name it. `affinities` are the
    columns'; outside a STRICT table a column may still hold any value. ANY counts as NUMERIC, although a STRICT
    table treats it as BLOB. `in_pieces`: long values can be read in pieces, which SQLite allows if there is a rowid and
    no generated column (https://sqlite.org/c3ref/blob_open.html).
    """

    name: str
    kind: Kind
    columns: tuple[str, ...]
    sql: str
    rowid_alias: str | None
    integer_primary_key: str | None
    counts_up: bool
    key: tuple[KeyPart, ...]
    affinities: tuple[Affinity, ...]
    in_pieces: bool

    @property
    def is_plain(self) -> bool:
        """Whether this is the application's own ordinary or shadow table."""
        return self.kind != "virtual" and not self.name.startswith("sqlite_")

    @property
    def placed_columns(self) -> list[str]:
        """The columns for SQL, after the rowid if no column keeps it: the content digest depends on the row order."""
        hidden = [self.rowid_alias] if self.rowid_alias and not self.integer_primary_key else []
        return hidden + [quoted(column) for column in self.columns]


def quoted(name: str) -> str:
    """Return an identifier for SQL text."""
    return '"' + name.replace('"', '""') + '"'


def tables(connection: apsw.Connection) -> tuple[TableShape, ...]:
    """Return the tables, without views, in the order of their creation."""
    kinds = {
        name: (kind, bool(without_rowid))
        for schema, name, kind, _, without_rowid, _ in connection.execute("PRAGMA table_list")
        if schema == "main" and kind != "view"
    }
    made = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY rowid").fetchall()
    return tuple(_shape(connection, str(name), str(sql), *kinds[name]) for name, sql in made)


def _shape(connection: apsw.Connection, name: str, sql: str, kind: object, without_rowid: bool) -> TableShape:
    described = connection.execute("SELECT name, type, pk, hidden FROM pragma_table_xinfo(?)", (name,)).fetchall()
    every_name = {str(column).lower() for column, _, _, _ in described}
    keys = [str(column) for column, _, position, _ in described if position]
    # A key without an index of its own is the rowid itself; "INTEGER PRIMARY KEY DESC" has an index.
    indexed = connection.execute("SELECT 1 FROM pragma_index_list(?) WHERE origin = 'pk'", (name,)).get
    is_rowid = bool(keys) and not without_rowid and not indexed
    alias = next((alias for alias in ("rowid", "_rowid_", "oid") if alias not in every_name), None)
    affinities = {str(column): _affinity(str(declared)) for column, declared, _, hidden in described if not hidden}
    return TableShape(
        name=name,
        kind=cast("Kind", kind),
        columns=tuple(affinities),
        sql=sql,
        rowid_alias=None if without_rowid else alias,
        integer_primary_key=keys[0] if is_rowid else None,
        counts_up=is_rowid and connection.column_metadata("main", name, keys[0])[4],
        key=_key(connection, name, affinities) if without_rowid else (KeyPart(alias, "INTEGER"),) if alias else (),
        affinities=tuple(affinities.values()),
        in_pieces=bool(alias) and not without_rowid and len(affinities) == len(described),
    )


def _affinity(declared: str) -> Affinity:
    """Return a column's affinity (https://sqlite.org/datatype3.html, section 3.1)."""
    if not declared:
        return "BLOB"
    kind = declared.upper()
    return next((affinity for words, affinity in _AFFINITIES if any(word in kind for word in words)), "NUMERIC")


def _key(connection: apsw.Connection, name: str, affinities: Mapping[str, Affinity]) -> tuple[KeyPart, ...]:
    """Return the key of a WITHOUT ROWID table."""
    terms = connection.execute(
        "SELECT part.name, part.coll, part.desc "
        "FROM pragma_index_list(?) AS made, pragma_index_xinfo(made.name) AS part "
        "WHERE made.origin = 'pk' AND part.key ORDER BY part.seqno",
        (name,),
    )
    return tuple(
        KeyPart(f"{quoted(str(column))} COLLATE {quoted(str(collation))}", affinities[str(column)], bool(descending))
        for column, collation, descending in terms
    )


def rows_in_order(table: TableShape, *, database: str = "main", where: str = "") -> str:
    """Return the FROM clause that reads a table's own b-tree in order; an index may be ordered otherwise.

    The order is that of the rowid or, WITHOUT ROWID, of the primary key; it does not depend on the page layout. If the
    rowid has no free name, NOT INDEXED gives its order; it does not for a WITHOUT ROWID table.
    """
    terms = ", ".join(f"{part.sql} {'DESC' if part.descending else 'ASC'}" for part in table.key)
    condition = f" WHERE {where}" if where else ""
    order = f" ORDER BY {terms}" if terms else ""
    return f"FROM {database}.{quoted(table.name)} NOT INDEXED{condition}{order}"


def concatenated(parts: Iterable[str | bytes]) -> str:
    """Return SQL that joins expressions and, as bytes, constants. None may be NULL.

    Consecutive constants become one, which SQLite computes once.
    """
    terms: list[str] = []
    for is_constant, group in groupby(parts, key=lambda part: isinstance(part, bytes)):
        adjacent = list(group)
        terms += [_constant(b"".join(cast("list[bytes]", adjacent)))] if is_constant else cast("list[str]", adjacent)
    while len(terms) > 1:
        groups = [terms[start : start + MOST_ARGUMENTS] for start in range(0, len(terms), MOST_ARGUMENTS)]
        terms = [f"concat({', '.join(group)})" for group in groups]
    return terms[0] if terms else "''"


def comma_separated(values: Iterable[str]) -> str:
    """Return SQL that joins the values of expressions. None may be NULL."""
    return concatenated([part for value in values for part in (b",", value)][1:])


def _constant(value: bytes) -> str:
    """Return SQL for a constant to join; joining takes the bytes of a blob unchanged."""
    return "'" + value.decode().replace("'", "''") + "'" if value.isascii() else f"x'{value.hex()}'"


def exact_text(expression: str, *, utf8: bool) -> str:
    """Return SQL for exactly the expression's text: as a blob, because it may hold invalid UTF-8.

    In a UTF-16 database a blob would be UTF-16; there the expression must never hold invalid text.
    """
    return f"CAST({expression} AS BLOB)" if utf8 else expression
