"""Tests of the write-ahead log's format, with logs that SQLite wrote."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlitevault.ground.errors import SourceUnsupported
from sqlitevault.snapshot.fresh import beside
from sqlitevault.snapshot.wal_format import (
    HEADER_BYTES,
    WalHeader,
    count_frames,
    in_wal_mode,
    lasting,
    parse_wal_header,
    wal_checksum,
)


@contextmanager
def _open_wal(path: Path, page_size: int = 4096) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x)")
        yield connection


def _header(log: Path) -> WalHeader:
    header = parse_wal_header(log.read_bytes()[:HEADER_BYTES])
    assert header is not None
    return header


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_header_and_frames_of_a_real_log(tmp_path: Path, page_size: int) -> None:
    """Page size, number of frames and checksum agree with SQLite's own figures."""
    log = beside(tmp_path / "a.db", "-wal")
    with _open_wal(tmp_path / "a.db", page_size) as connection:
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
        frames = (log.stat().st_size - HEADER_BYTES) // (page_size + 24)
        assert _header(log).page_size == page_size
        assert count_frames(log, _header(log)) == frames


def test_a_restarted_log_is_another_generation(tmp_path: Path) -> None:
    """A restarted log's first salt is one higher, and frames of the previous generation are not counted."""
    log = beside(tmp_path / "a.db", "-wal")
    with _open_wal(tmp_path / "a.db") as connection:
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
        old, many = _header(log), count_frames(log, _header(log))
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        connection.execute("INSERT INTO t VALUES (1)")
        new, few = _header(log), count_frames(log, _header(log))
        assert new.salts.startswith(old.next_salt)
        assert many is not None
        assert few is not None
        assert few < many
        assert count_frames(log, old) is None


@pytest.mark.parametrize("damaged", [0, 5, 10, 13, 17, 23, 25, 31])
def test_a_torn_header_counts_as_none(tmp_path: Path, damaged: int) -> None:
    """A log with a wrong header checksum counts as empty, as for SQLite."""
    with _open_wal(tmp_path / "a.db"):
        content = bytearray(beside(tmp_path / "a.db", "-wal").read_bytes()[:HEADER_BYTES])
    assert parse_wal_header(bytes(content)) is not None
    content[damaged] ^= 1
    assert parse_wal_header(bytes(content)) is None


def test_a_newer_version_is_refused() -> None:
    """A log of a newer version is refused, not taken as empty."""
    begin = bytes.fromhex("377f0683") + (3008000).to_bytes(4, "big") + (4096).to_bytes(4, "big") + bytes(12)
    sums = wal_checksum(begin, big_endian=True)
    with pytest.raises(SourceUnsupported, match="3008000"):
        parse_wal_header(begin + b"".join(number.to_bytes(4, "big") for number in sums))


@given(st.binary(max_size=HEADER_BYTES))
def test_other_bytes_are_not_a_header(content: bytes) -> None:
    """Only bytes with a valid checksum are a header."""
    assert parse_wal_header(content) is None


def test_the_mode_in_the_database(tmp_path: Path) -> None:
    """The database's header shows the mode, and a change of mode changes the compared bytes."""
    path = tmp_path / "a.db"
    with _open_wal(path) as connection:
        first = path.read_bytes()[:100]
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        later = path.read_bytes()[:100]
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    assert in_wal_mode(first)
    assert lasting(first) == lasting(later)
    assert not in_wal_mode(path.read_bytes()[:100])
    assert lasting(first) != lasting(path.read_bytes()[:100])
