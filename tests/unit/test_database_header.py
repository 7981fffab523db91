"""Tests of the database header."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlitevault.database.header import HEADER_BYTES, MAGIC, parse_header, read_header
from sqlitevault.ground.errors import SourceCorrupt, SourceNotFound, SourceUnsupported, SqliteVaultError
from sqlitevault.snapshot import take_snapshot


def _make(path: Path, *pragmas: str) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (1)")
    return path


@pytest.mark.parametrize("page_size", [512, 1024, 4096, 32768, 65536])
def test_page_size(tmp_path: Path, page_size: int) -> None:
    """Every page size is read, including 65536, which the header stores as 1."""
    path = _make(tmp_path / "a.db", f"page_size={page_size}")
    assert read_header(path).page_size == page_size


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_encoding(tmp_path: Path, encoding: str) -> None:
    """The text encoding has SQLite's name for it."""
    assert read_header(_make(tmp_path / "a.db", f"encoding='{encoding}'")).encoding == encoding


def test_the_applications_numbers(tmp_path: Path) -> None:
    """user_version and application_id are signed and read back as they were set."""
    header = read_header(_make(tmp_path / "a.db", "user_version=-7", "application_id=1234567890"))
    assert (header.user_version, header.application_id) == (-7, 1234567890)


def test_journal_mode(tmp_path: Path) -> None:
    """The file records only WAL; every other mode is a rollback journal."""
    assert read_header(_make(tmp_path / "a.db", "journal_mode=wal")).journal_mode == "wal"
    assert read_header(_make(tmp_path / "b.db", "journal_mode=persist")).journal_mode == "rollback"


def test_version_of_the_library(tmp_path: Path) -> None:
    """The version is that of the SQLite library that wrote last."""
    assert read_header(_make(tmp_path / "a.db")).sqlite_version == sqlite3.sqlite_version


def test_empty_file(tmp_path: Path) -> None:
    """SQLite takes an empty file as an empty database; here it is an error with its own message."""
    (tmp_path / "a.db").write_bytes(b"")
    with pytest.raises(SourceCorrupt, match="empty"):
        read_header(tmp_path / "a.db")


@pytest.mark.parametrize(
    "content", [b"x", b"hello" * 100, MAGIC, MAGIC + b"\0" * 84], ids=["short", "other", "cut", "blank"]
)
def test_not_a_database(content: bytes) -> None:
    """Other files, truncated ones and blank ones are refused."""
    with pytest.raises(SourceCorrupt):
        parse_header(content)


def test_newer_file_format(tmp_path: Path) -> None:
    """A newer file format is refused as unsupported, not as damaged."""
    content = bytearray(_make(tmp_path / "a.db").read_bytes())
    content[18:20] = b"\x03\x03"
    with pytest.raises(SourceUnsupported, match="version 3"):
        parse_header(bytes(content))


def test_missing_file_and_directory(tmp_path: Path) -> None:
    """A missing file and a directory are refused."""
    for path in (tmp_path / "none.db", tmp_path, tmp_path / "none.db" / "below"):
        with pytest.raises(SourceNotFound):
            read_header(path)


def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    """To read a FIFO would wait for a writer that may never come."""
    path = tmp_path / "fifo.db"
    os.mkfifo(path)
    with pytest.raises(SourceNotFound, match="not an ordinary file"):
        read_header(path)
    with pytest.raises(SourceNotFound, match=r"fifo.db cannot be read"):
        take_snapshot(path, tmp_path / "copy.db")


@given(st.binary(min_size=HEADER_BYTES - len(MAGIC), max_size=HEADER_BYTES))
def test_any_bytes(rest: bytes) -> None:
    """For any bytes after the magic number, the result is a header or a SqliteVaultError."""
    try:
        parse_header(MAGIC + rest)
    except SqliteVaultError as error:
        assert error.hint
