"""Tests of rollback journals as real writers leave them."""

import shutil
from pathlib import Path

import pytest

from sqlitevault.ground.errors import SourceUnsupported
from sqlitevault.snapshot.fresh import beside
from sqlitevault.snapshot.journal import read_journal, require_single_file
from tests.crashes import leave_hot_journal, leave_super_journal
from tests.databases import execute, make_bank


@pytest.mark.parametrize("mode", ["delete", "truncate", "persist"])
def test_the_journal_of_a_finished_transaction_is_not_live(tmp_path: Path, mode: str) -> None:
    """Deleted, truncated and zeroed journals all mean that the transaction is committed."""
    database = make_bank(tmp_path / "a.db")
    execute(database, f"PRAGMA journal_mode = {mode}", "UPDATE accounts SET balance = -balance")
    assert not read_journal(database).live


def test_a_persistent_journal_keeps_its_size(tmp_path: Path) -> None:
    """In the previous test, the persistent journal really exists."""
    database = make_bank(tmp_path / "a.db", journal_mode="persist")
    assert beside(database, "-journal").stat().st_size > 512
    assert not read_journal(database).live


def test_a_killed_writer_leaves_a_live_journal(tmp_path: Path) -> None:
    """A writer killed during a transaction leaves a live journal."""
    database = make_bank(tmp_path / "a.db")
    leave_hot_journal(database)
    assert read_journal(database).live
    require_single_file(beside(database, "-journal"))


@pytest.mark.skipif(not shutil.which("strace"), reason="strace kills the writer at the right system call")
def test_a_super_journal_is_named(tmp_path: Path) -> None:
    """The journal of a transaction over two databases is refused, because only one is copied."""
    database = make_bank(tmp_path / "a.db")
    leave_super_journal(database)
    assert read_journal(database).live
    with pytest.raises(SourceUnsupported, match=r"a\.db-mj"):
        require_single_file(beside(database, "-journal"))


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * 16, b"\0" * 600, b"\xff" * 600], ids=repr)
def test_any_ending_of_a_journal(tmp_path: Path, content: bytes) -> None:
    """Only an ending that SQLite writes is taken as the name of a super-journal."""
    journal = tmp_path / "a.db-journal"
    journal.write_bytes(content)
    require_single_file(journal)
