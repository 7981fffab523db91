"""Tests with databases of every kind: copied, digested, dumped and loaded, they lose nothing."""

import sqlite3
from contextlib import closing
from itertools import cycle
from pathlib import Path

import apsw
import pytest

from sqlitevault.database.checks import check
from sqlitevault.database.content import read_tables, schema_digest
from sqlitevault.dump.load import load_dump
from sqlitevault.dump.write import write_dump
from sqlitevault.snapshot import take_snapshot
from tests import torture, torture_virtual
from tests.databases import rows
from tests.raw_content import require_same
from tests.torture_kinds import ALONE, KINDS, QUICK


def copied_and_loaded(source: Path) -> Path:
    """Copy a database, dump the copy, load the dump, and compare each step with the previous one."""
    copy, text, loaded = (source.with_name(name) for name in ("copy.db", "dump.sql", "loaded.db"))
    take_snapshot(source, copy)
    assert check(copy).integrity == ()
    write_dump(copy, text)
    load_dump(text, loaded)
    assert read_tables(copy) == read_tables(source)
    in_order = sorted(read_tables(loaded), key=lambda table: table.name)
    assert in_order == sorted(read_tables(source), key=lambda table: table.name)
    assert schema_digest(loaded) == schema_digest(copy) == schema_digest(source)
    assert check(loaded) == check(copy)
    return loaded


@pytest.mark.parametrize("encoding", torture.ENCODINGS)
@pytest.mark.parametrize("kind", ALONE, ids=lambda kind: kind.__name__)
def test_nothing_is_lost(tmp_path: Path, kind: torture.Fill, encoding: str) -> None:
    """For every kind and encoding, the loaded dump equals the source in every value, rowid and definition."""
    source = torture.build(tmp_path / "source.db", kind, encoding=encoding)
    require_same(copied_and_loaded(source), source)


@pytest.mark.parametrize(
    ("page_size", "auto_vacuum"), list(zip(torture.PAGE_SIZES, cycle(torture.AUTO_VACUUM), strict=False)), ids=str
)
def test_every_page_size_and_auto_vacuum(tmp_path: Path, page_size: int, auto_vacuum: str) -> None:
    """Page size and auto-vacuum are those of the source, for every kind of content."""
    source = torture.build(tmp_path / "source.db", *QUICK, page_size=page_size, auto_vacuum=auto_vacuum)
    loaded = copied_and_loaded(source)
    require_same(loaded, source)
    assert rows(loaded, "PRAGMA page_size") == [(page_size,)]
    assert rows(loaded, "PRAGMA auto_vacuum") == [(("none", "full", "incremental").index(auto_vacuum),)]


def test_everything_at_once(tmp_path: Path) -> None:
    """A database of all kinds at once loses nothing."""
    source = torture.build(tmp_path / "source.db", *KINDS)
    require_same(copied_and_loaded(source), source)


@pytest.mark.parametrize("encoding", torture.ENCODINGS)
@pytest.mark.parametrize("kind", torture_virtual.QUESTIONS, ids=lambda kind: kind.__name__)
def test_virtual_tables_work_after_loading(tmp_path: Path, kind: torture.Fill, encoding: str) -> None:
    """Searches return the same rows as in the source, and new rows can be written."""
    source = torture.build(tmp_path / "source.db", kind, encoding=encoding)
    loaded = copied_and_loaded(source)
    for question in torture_virtual.QUESTIONS[kind]:
        answers = _answer(source, question)
        assert answers
        assert _answer(loaded, question) == answers


def _answer(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(question).fetchall()


def test_statistics_that_not_every_sqlite_knows(tmp_path: Path) -> None:
    """The samples of sqlite_stat4 are kept, and also load in an SQLite compiled without them."""
    source = tmp_path / "source.db"
    with closing(apsw.Connection(str(source))) as connection:
        connection.execute("CREATE TABLE t (a, b); CREATE INDEX i ON t(a)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", ((n % 7, n) for n in range(200)))
        connection.execute("ANALYZE")
    samples = "SELECT tbl, idx, neq, nlt, ndlt, hex(sample) FROM sqlite_stat4 ORDER BY rowid"
    kept = _answer(source, samples)
    assert len(kept) > 5
    assert _answer(copied_and_loaded(source), samples) == kept
    with closing(sqlite3.connect(tmp_path / "plain.db")) as connection:
        connection.executescript((tmp_path / "dump.sql").read_text())
    assert _answer(tmp_path / "plain.db", samples) == kept
