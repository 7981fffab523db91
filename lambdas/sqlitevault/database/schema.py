"""The schema of a copy: its tables, and how SQL text names them."""

from dataclasses import dataclass
from typing import Literal, cast

import apsw

Kind = Literal["table", "virtual", "shadow"]
# A chain of || is as deep as it is long (limit 1000); nested concat_ws() calls of this many stay flat.
_GROUP = 100


@dataclass(frozen=True, slots=True)
class TableShape:
    """One table. `columns` are the stored ones; generated and hidden columns are left out.

    `rowid_alias` is a name by which SQL reaches the rowid, if the columns left one. `key_order` are the ORDER BY terms
    of a WITHOUT ROWID table's key. `number_columns` are those declared to hold integers or reals; outside a STRICT
    table they may hold anything all the same.
    """

    name: str
    kind: Kind
    without_rowid: bool
    columns: tuple[str, ...]
    sql: str
    rowid_alias: str | None
    has_integer_primary_key: bool
    counts_up: bool
    key_order: tuple[str, ...]
    number_columns: tuple[str, ...]


def quoted(name: str) -> str:
    """Return an identifier for SQL text."""
    return '"' + name.replace('"', '""') + '"'


def tables(connection: apsw.Connection) -> tuple[TableShape, ...]:
    """Return the tables in the order in which they were created; views are none of them."""
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
    # A key without an index of its own is the rowid itself; "INTEGER PRIMARY KEY DESC", for one, has an index.
    indexed = connection.execute("SELECT 1 FROM pragma_index_list(?) WHERE origin = 'pk'", (name,)).get
    is_rowid = bool(keys) and not without_rowid and not indexed
    alias = next((alias for alias in ("rowid", "_rowid_", "oid") if alias not in every_name), None)
    return TableShape(
        name=name,
        kind=cast("Kind", kind),
        without_rowid=without_rowid,
        columns=tuple(str(column) for column, _, _, hidden in described if not hidden),
        sql=sql,
        rowid_alias=None if without_rowid else alias,
        has_integer_primary_key=is_rowid,
        counts_up=is_rowid and connection.column_metadata("main", name, keys[0])[4],
        key_order=_key_order(connection, name) if without_rowid else (),
        number_columns=tuple(
            str(column) for column, declared, _, hidden in described if not hidden and _is_number(str(declared))
        ),
    )


def _is_number(declared: str) -> bool:
    """Tell whether a column's affinity is INTEGER or REAL (https://sqlite.org/datatype3.html, section 3.1)."""
    kind = declared.upper()
    if "INT" in kind:
        return True
    if any(word in kind for word in ("CHAR", "CLOB", "TEXT", "BLOB")):
        return False
    return any(word in kind for word in ("REAL", "FLOA", "DOUB"))


def _key_order(connection: apsw.Connection, name: str) -> tuple[str, ...]:
    terms = connection.execute(
        "SELECT part.name, part.coll, part.desc "
        "FROM pragma_index_list(?) AS made, pragma_index_xinfo(made.name) AS part "
        "WHERE made.origin = 'pk' AND part.key ORDER BY part.seqno",
        (name,),
    )
    return tuple(
        f"{quoted(str(column))} COLLATE {quoted(str(collation))} {'DESC' if descending else 'ASC'}"
        for column, collation, descending in terms
    )


def scan_order(table: TableShape) -> str:
    """Return what follows a table's name after FROM to read its own b-tree in order; an index may have another one.

    That order is the rowid's or, WITHOUT ROWID, the primary key's; it does not depend on the page layout. Where the
    rowid has no name left, NOT INDEXED gives its order; it does not for a WITHOUT ROWID table.
    """
    terms = (table.rowid_alias,) if table.rowid_alias else table.key_order
    return f" NOT INDEXED ORDER BY {', '.join(terms)}" if terms else " NOT INDEXED"


def concatenated(expressions: list[str], separator: str) -> str:
    """Return SQL that joins many expressions without running into limits of depth or arguments."""
    while len(expressions) > 1:
        groups = [expressions[start : start + _GROUP] for start in range(0, len(expressions), _GROUP)]
        expressions = [f"concat_ws({separator}, {', '.join(group)})" for group in groups]
    return expressions[0] if expressions else "''"


def exact_text(expression: str, *, utf8: bool) -> str:
    """Return SQL whose value is the expression's text exactly: as a blob where it may hold invalid UTF-8.

    In a UTF-16 database a blob would be UTF-16; there the expression must not be able to hold invalid text.
    """
    return f"CAST({expression} AS BLOB)" if utf8 else expression
