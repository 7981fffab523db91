"""Tests of merging a table by primary key: deleted rows return, newer ones stay."""

from pathlib import Path

import pytest

from sqlitevault.database.difference import compare_table, rows_apart
from sqlitevault.database.merging import merge_tables
from sqlitevault.ground.errors import ConfigError, SourceBusy
from tests.databases import execute, holding_the_lock, make_bank, rows, writer


def merge_table(live: Path, copy: Path, table: str, *, missing_only: bool) -> int:
    """Merge one table and return the rows written."""
    (merged,) = merge_tables(live, copy, (table,), missing_only=missing_only)
    return merged.rows_written


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A live database that has lost 100 rows, changed one and gained one since the copy."""
    copy, live = make_bank(tmp_path / "copy #1%?.db"), make_bank(tmp_path / "live.db")
    execute(
        live,
        "DELETE FROM ledger WHERE id <= 100",
        "UPDATE ledger SET note = 'newer' WHERE id = 200",
        "INSERT INTO ledger(note) VALUES ('after the backup')",
        "CREATE TRIGGER shout AFTER INSERT ON ledger BEGIN INSERT INTO accounts(balance) VALUES (0); END",
    )
    return live, copy


def test_the_comparison_counts_each_kind_of_row(pair: tuple[Path, Path]) -> None:
    """The comparison counts deleted, new, changed and equal rows."""
    found = compare_table(*pair, "ledger")
    assert (found.deleted_rows, found.newer_rows, found.different_rows, found.same_rows) == (100, 1, 1, 399)


def test_missing_only_changes_nothing_else(pair: tuple[Path, Path]) -> None:
    """Deleted rows return, newer and changed rows stay, and no trigger fires."""
    assert merge_table(*pair, "ledger", missing_only=True) == 100
    assert rows(pair[0], "SELECT count(*), max(id) FROM ledger") == [(501, 501)]
    assert rows(pair[0], "SELECT note FROM ledger WHERE id = 200") == [("newer",)]
    assert rows(pair[0], "SELECT count(*) FROM accounts") == [(50,)]


def test_a_full_merge_restores_changed_rows(pair: tuple[Path, Path]) -> None:
    """Without missing_only, changed rows get the backup's values, and rows that are only live stay."""
    merge_table(*pair, "ledger", missing_only=False)
    assert rows(pair[0], "SELECT count(*) FROM ledger") == [(501,)]
    assert rows(pair[0], "SELECT note LIKE 'entry%' FROM ledger WHERE id = 200") == [(1,)]


def test_merging_twice_changes_nothing_more(pair: tuple[Path, Path]) -> None:
    """A second merge writes no rows."""
    merge_table(*pair, "ledger", missing_only=False)
    assert merge_table(*pair, "ledger", missing_only=False) == 0


@pytest.mark.parametrize("prepare", ["", "CREATE TABLE nokey (x)", "CREATE VIEW nokey AS SELECT 1 AS x"])
def test_what_cannot_be_merged_is_refused(pair: tuple[Path, Path], prepare: str) -> None:
    """A missing table, one without a primary key, and a view are refused."""
    for path in pair if prepare else ():
        execute(path, prepare)
    with pytest.raises(ConfigError):
        merge_table(*pair, "nokey", missing_only=True)


def test_other_columns_are_refused(pair: tuple[Path, Path]) -> None:
    """After a migration that changed the columns, rows are not merged."""
    execute(pair[0], "ALTER TABLE ledger ADD COLUMN extra")
    with pytest.raises(ConfigError, match="other columns"):
        merge_table(*pair, "ledger", missing_only=True)


def test_odd_names_and_composite_keys(tmp_path: Path) -> None:
    """A table with quoted names, two key columns, NULL in a key and a generated column can be merged."""
    create = 'CREATE TABLE "odd ""name" (a, "b c", v, g AS (v || "x"), PRIMARY KEY (a, "b c"))'
    for name in ("live.db", "copy.db"):
        execute(tmp_path / name, create, 'INSERT INTO "odd ""name" VALUES (1, NULL, \'one\')')
    execute(tmp_path / "copy.db", 'INSERT INTO "odd ""name" VALUES (1, 2, \'two\')')
    assert merge_table(tmp_path / "live.db", tmp_path / "copy.db", 'odd "name', missing_only=True) == 1


@pytest.mark.parametrize(
    ("create", "values"),
    [
        ("CREATE TABLE t (k TEXT PRIMARY KEY, v)", "(NULL, 'one'), (NULL, 'two')"),
        (
            "CREATE TABLE t (k TEXT COLLATE NOCASE, v, PRIMARY KEY (k COLLATE BINARY))",
            "('a', 'one'), ('A', 'two')",
        ),
    ],
    ids=["null", "collation"],
)
def test_a_key_of_several_rows_is_refused(tmp_path: Path, create: str, values: str) -> None:
    """If several rows have the same key, the table is refused, or rows would get each other's values."""
    live, copy = tmp_path / "live.db", tmp_path / "copy.db"
    for path in (live, copy):
        execute(path, create, f"INSERT INTO t VALUES {values}")
    for attempt in (lambda: merge_table(live, copy, "t", missing_only=False), lambda: compare_table(live, copy, "t")):
        with pytest.raises(ConfigError, match="several rows of one primary key"):
            attempt()
    assert rows(live, "SELECT v FROM t ORDER BY rowid") == [("one",), ("two",)]


def test_rows_without_a_key_are_compared_as_a_whole(tmp_path: Path) -> None:
    """Equal rows are counted; 1 and 1.0 differ, and so do 'a' and 'A'; columns on only one side are ignored."""
    create = "CREATE TABLE t (surplus TEXT COLLATE NOCASE, v)"
    execute(tmp_path / "copy.db", create, "INSERT INTO t VALUES ('a', 1), ('a', 1), ('a', 1), ('b', 2), (NULL, NULL)")
    execute(tmp_path / "live.db", create, "INSERT INTO t VALUES ('a', 1), ('A', 1), ('b', 2.0), (NULL, NULL)")
    execute(tmp_path / "live.db", "ALTER TABLE t ADD COLUMN extra DEFAULT 7")
    assert rows_apart(tmp_path / "live.db", tmp_path / "copy.db", "t") == (3, 2)


def test_a_locked_database_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another program holds the write lock, the merge waits and then raises SourceBusy."""
    monkeypatch.setattr("sqlitevault.database.pairing._BUSY_SECONDS", 0.05)
    live, copy = make_bank(tmp_path / "live.db"), make_bank(tmp_path / "copy.db")
    with holding_the_lock(live), pytest.raises(SourceBusy):
        merge_table(live, copy, "ledger", missing_only=True)


def test_a_merge_while_the_application_writes(tmp_path: Path) -> None:
    """A merge works as one more transaction beside those of the application."""
    live, copy = make_bank(tmp_path / "live.db"), make_bank(tmp_path / "copy.db")
    execute(live, "DELETE FROM api_keys")
    with writer(live):
        assert merge_table(live, copy, "api_keys", missing_only=True) == 1


def test_a_newer_row_with_the_same_unique_value_is_never_replaced(tmp_path: Path) -> None:
    """If another guide now has the name, the deleted one is left out and counted, in both kinds of merge."""
    create = "CREATE TABLE guides (id TEXT PRIMARY KEY, slug TEXT UNIQUE)"
    for name in ("live.db", "copy.db"):
        execute(tmp_path / name, create)
    execute(tmp_path / "copy.db", "INSERT INTO guides VALUES ('old', 'start'), ('gone', 'end'), ('same', 'a')")
    execute(tmp_path / "live.db", "INSERT INTO guides VALUES ('new', 'start'), ('same', 'b')")
    for missing_only in (True, False):
        (merged,) = merge_tables(tmp_path / "live.db", tmp_path / "copy.db", ("guides",), missing_only=missing_only)
        assert (merged.rows_written, merged.refused_rows) == (1, 1)
    assert set(rows(tmp_path / "live.db", "SELECT id, slug FROM guides")) == {
        ("new", "start"),
        ("gone", "end"),
        ("same", "a"),
    }


def test_rows_return_to_their_places(tmp_path: Path) -> None:
    """A table without a numeric key keeps the order of its rows; rows whose place is taken go to the end."""
    for name in ("live.db", "copy.db"):
        execute(tmp_path / name, "CREATE TABLE t (id TEXT PRIMARY KEY)", "INSERT INTO t VALUES ('a'), ('b'), ('c')")
    execute(tmp_path / "live.db", "DELETE FROM t WHERE id <> 'a'", "INSERT INTO t VALUES ('x')")
    (merged,) = merge_tables(tmp_path / "live.db", tmp_path / "copy.db", ("t",), missing_only=True)
    assert (merged.rows_written, merged.refused_rows) == (2, 0)
    found = rows(tmp_path / "live.db", "SELECT rowid, id FROM t ORDER BY rowid")
    assert found == [(1, "a"), (2, "x"), (3, "c"), (4, "b")]


def test_rows_with_missing_parents_are_counted(tmp_path: Path) -> None:
    """Restored rows that refer to missing ones are counted."""
    for name in ("live.db", "copy.db"):
        execute(
            tmp_path / name,
            "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
            "CREATE TABLE children (id INTEGER PRIMARY KEY, parent REFERENCES parents)",
        )
    execute(tmp_path / "copy.db", "INSERT INTO parents VALUES (1)", "INSERT INTO children VALUES (1, 1), (2, NULL)")
    (merged,) = merge_tables(tmp_path / "live.db", tmp_path / "copy.db", ("children",), missing_only=True)
    assert merged.dangling_rows == 1
