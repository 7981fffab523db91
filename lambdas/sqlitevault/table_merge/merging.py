"""Bring the rows of one table back from a restored copy into a live database, by primary key.

The live database is changed in one transaction, as any application would; triggers do not fire, since the rows were
triggered on when they were first written.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

from sqlitevault.errors import ConfigError, SourceBusy, SourceCorrupt

_BUSY_SECONDS = 10.0
_POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class TableDifference:
    """Rows of a table by primary key: only in the copy, only in the live database, in both but different, the same."""

    only_in_copy: int
    only_live: int
    different: int
    same: int


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One row that differs: `removed` (only in the copy), `added` (only live) or `changed`; `key` as SQL literals."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class TableMerge:
    """A table that was merged.

    `refused_rows` could not be written: a newer row has the same unique value, or a constraint forbids them.
    `dangling_rows` are rows of it that now refer to rows which do not exist.
    """

    table: str
    rows_written: int
    refused_rows: int
    dangling_rows: int


@dataclass(frozen=True, slots=True)
class _Shape:
    table: str
    keys: tuple[str, ...]
    others: tuple[str, ...]
    hidden_rowid: str | None

    @property
    def columns(self) -> str:
        return ", ".join(map(_quoted, self.keys + self.others))

    @property
    def set_back(self) -> str:
        return ", ".join(f"{_quoted(name)} = copy.{_quoted(name)}" for name in self.keys + self.others)

    @property
    def only_in_copy(self) -> str:
        return f"NOT EXISTS (SELECT 1 FROM {self.live_row})"

    def key_text(self, side: str) -> str:
        return " || ', ' || ".join(f"quote({side}.{_quoted(key)})" for key in self.keys)

    @property
    def copy(self) -> str:
        return f"copy.{_quoted(self.table)} AS copy"

    @property
    def live(self) -> str:
        return f"main.{_quoted(self.table)} AS live"

    @property
    def live_row(self) -> str:
        return f"{self.live} WHERE {self.same_key}"

    @property
    def copy_row(self) -> str:
        return f"{self.copy} WHERE {self.same_key}"

    @property
    def same_key(self) -> str:
        return " AND ".join(f"live.{_quoted(key)} IS copy.{_quoted(key)}" for key in self.keys)

    @property
    def different(self) -> str:
        """Byte by byte: a collation such as NOCASE may find rows of one key the same that are not, and 1 is not 1.0."""
        return " OR ".join(map(_differs, self.keys + self.others))


def compare_table(live: Path, copy: Path, table: str) -> TableDifference:
    """Count how a table differs between the live database and a restored copy. Both are opened read-only.

    Raises:
        ConfigError: the table is missing in one of them, has no primary key, or other columns.
        SourceBusy: the live database is locked.
    """
    with _attached(live, copy, read_only=True) as connection:
        shape = _shape(connection, table)
        only_in_copy = _count(connection, f"FROM {shape.copy} WHERE {shape.only_in_copy}")
        only_live = _count(connection, f"FROM {shape.live} WHERE NOT EXISTS (SELECT 1 FROM {shape.copy_row})")
        shared = _count(connection, f"FROM {shape.copy} JOIN {shape.live} ON {shape.same_key}")
        different = _count(
            connection, f"FROM {shape.copy} JOIN {shape.live} ON {shape.same_key} WHERE {shape.different}"
        )
    return TableDifference(only_in_copy, only_live, different, shared - different)


def differing_rows(live: Path, copy: Path, table: str, *, limit: int) -> tuple[RowDifference, ...]:
    """Name up to `limit` rows of each kind that differ, by their primary key. Both databases are opened read-only.

    Raises:
        ConfigError: the table is missing in one of them, has no primary key, or other columns.
        SourceBusy: the live database is locked.
    """
    with _attached(live, copy, read_only=True) as connection:
        shape = _shape(connection, table)
        sources = {
            "removed": ("copy", f"FROM {shape.copy} WHERE {shape.only_in_copy}"),
            "added": ("live", f"FROM {shape.live} WHERE NOT EXISTS (SELECT 1 FROM {shape.copy_row})"),
            "changed": ("live", f"FROM {shape.copy} JOIN {shape.live} ON {shape.same_key} WHERE {shape.different}"),
        }
        encoding = str(connection.pragma("encoding"))
        return tuple(
            RowDifference(kind, bytes(key).decode(encoding, "backslashreplace"))
            for kind, (side, source) in sources.items()
            for (key,) in connection.execute(f"SELECT CAST({shape.key_text(side)} AS BLOB) {source} LIMIT ?", (limit,))
        )


def merge_table(live: Path, copy: Path, table: str, *, missing_only: bool) -> int:
    """Insert the copy's rows that the live table lacks; without `missing_only` also set differing rows back.

    Returns the number of rows written. Rows that are only in the live table stay.

    Raises:
        ConfigError: the table is missing in one of them, has no primary key, or other columns.
        SourceBusy: the live database is locked.
    """
    return merge_tables(live, copy, (table,), missing_only=missing_only)[0].rows_written


def merge_tables(live: Path, copy: Path, tables: Sequence[str], *, missing_only: bool) -> tuple[TableMerge, ...]:
    """Merge several tables as `merge_table` does, all of them in one transaction.

    Raises:
        ConfigError: a table is missing in one of them, has no primary key, or other columns.
        SourceBusy: the live database is locked.
        SourceCorrupt: the live database is damaged where the rows should go; nothing was written.
    """
    with _attached(live, copy, read_only=False) as connection:
        shapes = [_shape(connection, table) for table in tables]
        connection.execute("BEGIN IMMEDIATE")
        written = [_merge(connection, shape, missing_only=missing_only) for shape in shapes]
        merged = tuple(
            TableMerge(shape.table, count, _left(connection, shape, missing_only), _dangling(connection, shape.table))
            for shape, count in zip(shapes, written, strict=True)
        )
        connection.execute("COMMIT")
    return merged


def _merge(connection: apsw.Connection, shape: _Shape, *, missing_only: bool) -> int:
    """Write the rows; one that another unique column forbids is left out, and never replaces the row that has it."""
    before = connection.total_changes()
    if not missing_only:
        connection.execute(
            f"UPDATE OR IGNORE {shape.live} SET {shape.set_back} FROM {shape.copy} "
            f"WHERE {shape.same_key} AND ({shape.different})"
        )
    if shape.hidden_rowid is not None:
        _insert_with_rowid(connection, shape, shape.hidden_rowid)
    connection.execute(
        f"INSERT OR IGNORE INTO main.{_quoted(shape.table)} ({shape.columns}) "
        f"SELECT {shape.columns} FROM {shape.copy} WHERE {shape.only_in_copy}"
    )
    return connection.total_changes() - before


def _insert_with_rowid(connection: apsw.Connection, shape: _Shape, rowid: str) -> None:
    """Put rows back where they were, as long as their place is free: the order of rows is then as it was."""
    connection.execute(
        f"INSERT OR IGNORE INTO main.{_quoted(shape.table)} ({rowid}, {shape.columns}) "
        f"SELECT {rowid}, {shape.columns} FROM {shape.copy} WHERE {shape.only_in_copy} "
        f"AND NOT EXISTS (SELECT 1 FROM {shape.live} WHERE live.{rowid} = copy.{rowid})"
    )


def _left(connection: apsw.Connection, shape: _Shape, missing_only: bool) -> int:
    missing = _count(connection, f"FROM {shape.copy} WHERE {shape.only_in_copy}")
    if missing_only:
        return missing
    changed = f"FROM {shape.copy} JOIN {shape.live} ON {shape.same_key} WHERE {shape.different}"
    return missing + _count(connection, changed)


def _dangling(connection: apsw.Connection, table: str) -> int:
    return len(connection.execute("SELECT 1 FROM pragma_foreign_key_check(?)", (table,)).fetchall())


@contextmanager
def _attached(live: Path, copy: Path, *, read_only: bool) -> Iterator[apsw.Connection]:
    flags = apsw.SQLITE_OPEN_URI | (apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE)
    with closing(apsw.Connection(str(live), flags=flags)) as connection:
        connection.set_busy_handler(_waiter())
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        try:
            connection.execute("ATTACH ? AS copy", (f"file:{_escaped(copy)}?immutable=1",))
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


def _escaped(path: Path) -> str:
    """Return a path for a file: URI (https://sqlite.org/uri.html, section 3.1)."""
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _shape(connection: apsw.Connection, table: str) -> _Shape:
    live, copy = _columns(connection, "main", table), _columns(connection, "copy", table)
    if not live or not copy:
        where = "the live database" if not live else "the backup"
        raise ConfigError(f"there is no table {table!r} in {where}", hint="`restore --dry-run` lists the tables.")
    if set(live) != set(copy):
        raise ConfigError(
            f"the table {table!r} has other columns now than in the backup",
            hint="Restore it into a side database with --table and --target, and copy the rows by hand.",
        )
    keys = tuple(name for name, position in live.items() if position)
    if not keys:
        raise ConfigError(
            f"the table {table!r} has no primary key to merge by",
            hint="Restore it into a side database with --table and --target, and copy the rows by hand.",
        )
    others = tuple(name for name, position in live.items() if not position)
    return _Shape(table, keys, others, _hidden_rowid(connection, table, live))


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


def _columns(connection: apsw.Connection, schema: str, table: str) -> dict[str, int]:
    """Return the stored columns of an ordinary table, and each one's place in the primary key (0: not in it)."""
    query = (
        "SELECT c.name, c.pk FROM pragma_table_list(?1) AS t JOIN pragma_table_xinfo(?1, ?2) AS c "
        "WHERE t.schema = ?2 AND t.type = 'table' AND c.hidden = 0 ORDER BY c.cid"
    )
    return {str(name): int(position) for name, position in connection.execute(query, (table, schema))}


def _differs(name: str) -> str:
    live, copy = f"live.{_quoted(name)}", f"copy.{_quoted(name)}"
    return f"{live} IS NOT {copy} COLLATE BINARY OR typeof({live}) <> typeof({copy})"


def _count(connection: apsw.Connection, source: str) -> int:
    return int(connection.execute(f"SELECT count(*) {source}").get)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
