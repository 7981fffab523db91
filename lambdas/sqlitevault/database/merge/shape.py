"""One table as it is in both databases, and the SQL that pairs its rows by primary key."""

from collections.abc import Iterable
from dataclasses import dataclass

import apsw

from sqlitevault.database.schema import quoted
from sqlitevault.ground.errors import ConfigError

_BY_HAND = "Restore it into a side database with --table and --target, and copy the rows by hand."


@dataclass(frozen=True, slots=True)
class Shape:
    """A table with the same columns in both databases, whose key names one row at most."""

    table: str
    keys: tuple[str, ...]
    others: tuple[str, ...]
    hidden_rowid: str | None

    @property
    def columns(self) -> str:
        """Every stored column."""
        return ", ".join(map(quoted, self.keys + self.others))

    @property
    def set_back(self) -> str:
        """What gives a live row the copy's values."""
        return ", ".join(f"{quoted(name)} = copy.{quoted(name)}" for name in self.keys + self.others)

    @property
    def only_in_copy(self) -> str:
        """The condition on a row of the copy that the live table lacks."""
        return f"NOT EXISTS (SELECT 1 FROM {self.live_row})"

    def key_text(self, side: str) -> str:
        """The key as SQL literals."""
        return " || ', ' || ".join(f"quote({side}.{quoted(key)})" for key in self.keys)

    @property
    def copy(self) -> str:
        """The copy's table."""
        return f"copy.{quoted(self.table)} AS copy"

    @property
    def live(self) -> str:
        """The live table."""
        return f"main.{quoted(self.table)} AS live"

    @property
    def live_row(self) -> str:
        """The live row to a row of the copy."""
        return f"{self.live} WHERE {self.same_key}"

    @property
    def copy_row(self) -> str:
        """The copy's row to a live one."""
        return f"{self.copy} WHERE {self.same_key}"

    @property
    def same_key(self) -> str:
        """The condition on two rows of one key; NULL is a key too."""
        return " AND ".join(f"live.{quoted(key)} IS copy.{quoted(key)}" for key in self.keys)

    @property
    def different(self) -> str:
        """Byte by byte: a collation such as NOCASE may find rows of one key the same that are not, and 1 is not 1.0."""
        return " OR ".join(map(_differs, self.keys + self.others))


def shape_of(connection: apsw.Connection, table: str) -> Shape:
    """Return the table's shape.

    Raises:
        ConfigError: the table is missing in one of them, is no ordinary one, has other columns, or no key to tell rows
            apart by.
    """
    live, copy = columns_of(connection, "main", table), columns_of(connection, "copy", table)
    _require_ordinary(connection, table)
    if set(live) != set(copy):
        raise ConfigError(f"the table {table!r} has other columns now than in the backup", hint=_BY_HAND)
    keys = tuple(name for name, position in live.items() if position)
    if not keys:
        raise ConfigError(f"the table {table!r} has no primary key to merge by", hint=_BY_HAND)
    if any(_repeats(connection, schema, table, keys) for schema in ("main", "copy")):
        raise ConfigError(
            f"the table {table!r} has several rows of one primary key, such as NULL, and cannot be merged by it",
            hint=_BY_HAND,
        )
    others = tuple(name for name, position in live.items() if not position)
    return Shape(table, keys, others, _hidden_rowid(connection, table, live))


def columns_of(connection: apsw.Connection, schema: str, table: str) -> dict[str, int]:
    """Return the stored columns, and each one's place in the primary key (0: not in it); none of no such table."""
    query = "SELECT name, pk FROM pragma_table_xinfo(?1, ?2) WHERE hidden = 0 ORDER BY cid"
    return {str(name): int(position) for name, position in connection.execute(query, (table, schema))}


def _require_ordinary(connection: apsw.Connection, table: str) -> None:
    for schema, where in (("main", "the live database"), ("copy", "the backup")):
        query = "SELECT type FROM pragma_table_list(?1) WHERE schema = ?2"
        kind = connection.execute(query, (table, schema)).get
        if kind is None:
            raise ConfigError(f"there is no table {table!r} in {where}", hint="`restore --dry-run` lists the tables.")
        if kind != "table":
            raise ConfigError(
                f"{table!r} is no ordinary table in {where}: its type is {kind}",
                hint="Restore the whole database to another place with --target, and copy from there.",
            )


def _repeats(connection: apsw.Connection, schema: str, table: str, keys: tuple[str, ...]) -> bool:
    """Tell whether a key names several rows: SQLite lets NULL be in a key, and a key's collation differ."""
    named = ", ".join(map(quoted, keys))
    query = f"SELECT 1 FROM {schema}.{quoted(table)} GROUP BY {named} HAVING count(*) > 1 LIMIT 1"
    return connection.execute(query).get is not None


def _hidden_rowid(connection: apsw.Connection, table: str, columns: Iterable[str]) -> str | None:
    """Return a name for the rowid where no column shows it; None in other tables."""
    query = (
        "SELECT t.wr OR EXISTS (SELECT 1 FROM pragma_table_info(?1, 'main') WHERE pk AND upper(type) = 'INTEGER') "
        "FROM pragma_table_list(?1) AS t WHERE t.schema = 'main'"
    )
    if connection.execute(query, (table,)).get:
        return None
    taken = {name.lower() for name in columns}
    return next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)


def _differs(name: str) -> str:
    live, copy = f"live.{quoted(name)}", f"copy.{quoted(name)}"
    return f"{live} IS NOT {copy} COLLATE BINARY OR typeof({live}) <> typeof({copy})"
