"""A live database with a restored copy attached to it, as `main` and `copy`, and the SQL that pairs a table's rows."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

from sqlitevault.database.connection import immutable_uri
from sqlitevault.database.schema import quoted
from sqlitevault.ground.errors import ConfigError, SourceBusy, SourceCorrupt

_BUSY_SECONDS = 10.0
_POLL_SECONDS = 0.005
_BY_HAND = "Restore it into a side database with --table and --target, and copy the rows by hand."


@contextmanager
def attached(live: Path, copy: Path, *, read_only: bool) -> Iterator[apsw.Connection]:
    """Open both; triggers of the live database do not fire, and its schema is not trusted.

    Raises:
        SourceBusy: the live database stays locked.
        SourceCorrupt: the live database is damaged.
    """
    flags = apsw.SQLITE_OPEN_URI | (apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE)
    with closing(apsw.Connection(str(live), flags=flags)) as connection:
        connection.set_busy_handler(_waiter())
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        try:
            connection.execute("ATTACH ? AS copy", (immutable_uri(copy),))
            yield connection
        except apsw.BusyError as error:
            raise SourceBusy(
                f"{live} is locked by another program", hint="Wait for its transaction to end, or stop the application."
            ) from error
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise SourceCorrupt(
                f"{live} is damaged: {error}", hint="Restore the whole database, or the tables into a side database."
            ) from error


def _waiter() -> Callable[[int], bool]:
    """Poll evenly: SQLite's own busy timeout backs off to 100 ms, and starves beside a steady writer."""
    deadline = time.monotonic() + _BUSY_SECONDS

    def wait(_tries: int) -> bool:
        time.sleep(_POLL_SECONDS)
        return time.monotonic() < deadline

    return wait


@dataclass(frozen=True, slots=True)
class TablePair:
    """A table with the same columns in both databases, whose key names at most one row.

    `hidden_rowid` is a name for the rowid if no column shows it.
    """

    table: str
    keys: tuple[str, ...]
    others: tuple[str, ...]
    hidden_rowid: str | None

    @property
    def columns(self) -> str:
        """Every stored column, as SQL."""
        return ", ".join(map(quoted, self.keys + self.others))

    @property
    def live(self) -> str:
        """The live table, for a FROM clause."""
        return f"main.{quoted(self.table)} AS live"

    @property
    def copy(self) -> str:
        """The copy's table, for a FROM clause."""
        return f"copy.{quoted(self.table)} AS copy"

    @property
    def same_key(self) -> str:
        """The condition that two rows have the same key; NULL equals NULL here."""
        return " AND ".join(f"live.{quoted(key)} IS copy.{quoted(key)}" for key in self.keys)

    @property
    def different(self) -> str:
        """The condition that two rows differ in any byte: NOCASE finds unequal texts equal, and 1 is not 1.0."""
        return " OR ".join(
            f"live.{name} IS NOT copy.{name} COLLATE BINARY OR typeof(live.{name}) <> typeof(copy.{name})"
            for name in map(quoted, self.keys + self.others)
        )

    @property
    def removed(self) -> str:
        """The FROM clause of rows that only the copy has."""
        return f"FROM {self.copy} WHERE NOT EXISTS (SELECT 1 FROM {self.live} WHERE {self.same_key})"

    @property
    def added(self) -> str:
        """The FROM clause of rows that only the live table has."""
        return f"FROM {self.live} WHERE NOT EXISTS (SELECT 1 FROM {self.copy} WHERE {self.same_key})"

    @property
    def shared(self) -> str:
        """The FROM clause of rows that both have, by key."""
        return f"FROM {self.copy} JOIN {self.live} ON {self.same_key}"

    @property
    def changed(self) -> str:
        """The FROM clause of rows that both have, with different values."""
        return f"{self.shared} WHERE {self.different}"


def pair_of(connection: apsw.Connection, table: str) -> TablePair:
    """Return the table as it is in both databases.

    Raises:
        ConfigError: it is missing in one of them, is not an ordinary table, has other columns there, or has no key
            that identifies single rows.
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
    return TablePair(table, keys, others, _hidden_rowid(connection, table, live))


def columns_of(connection: apsw.Connection, schema: str, table: str) -> dict[str, int]:
    """Return the stored columns, each with its position in the primary key (0: none); empty without such a table."""
    query = "SELECT name, pk FROM pragma_table_xinfo(?1, ?2) WHERE hidden = 0 ORDER BY cid"
    return {str(name): int(position) for name, position in connection.execute(query, (table, schema))}


def count(connection: apsw.Connection, source: str) -> int:
    """Return how many rows a FROM clause gives."""
    return int(connection.execute(f"SELECT count(*) {source}").get)


def _require_ordinary(connection: apsw.Connection, table: str) -> None:
    for schema, where in (("main", "the live database"), ("copy", "the backup")):
        query = "SELECT type FROM pragma_table_list(?1) WHERE schema = ?2"
        kind = connection.execute(query, (table, schema)).get
        if kind is None:
            raise ConfigError(f"there is no table {table!r} in {where}", hint="`restore --dry-run` lists the tables.")
        if kind != "table":
            raise ConfigError(
                f"{table!r} is not an ordinary table in {where}: its type is {kind}",
                hint="Restore the whole database to another place with --target, and copy from there.",
            )


def _repeats(connection: apsw.Connection, schema: str, table: str, keys: tuple[str, ...]) -> bool:
    """Return whether a key names several rows: SQLite allows NULL in a key, and its collation may differ."""
    named = ", ".join(map(quoted, keys))
    query = f"SELECT 1 FROM {schema}.{quoted(table)} GROUP BY {named} HAVING count(*) > 1 LIMIT 1"
    return connection.execute(query).get is not None


def _hidden_rowid(connection: apsw.Connection, table: str, columns: Iterable[str]) -> str | None:
    query = (
        "SELECT t.wr OR EXISTS (SELECT 1 FROM pragma_table_info(?1, 'main') WHERE pk AND upper(type) = 'INTEGER') "
        "FROM pragma_table_list(?1) AS t WHERE t.schema = 'main'"
    )
    if connection.execute(query, (table,)).get:
        return None
    taken = {name.lower() for name in columns}
    return next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)
