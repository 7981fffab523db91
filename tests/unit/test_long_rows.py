"""Tests of rows with values of megabytes: dump and digest read them in pieces and change nothing."""

import hashlib
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from sqlitevault.database.content import read_tables
from sqlitevault.dump.load import load_dump
from sqlitevault.dump.write import write_dump
from tests.raw_content import require_same
from tests.torture import ENCODINGS

LONG = 21 << 17  # bytes; more than a run of rows may have
TEXTS = (
    "it's text; " * (LONG // 11),
    "a" + "é" * (LONG // 2),  # a character crosses two pieces
    "a" + "😀" * (LONG // 4),
    "line\r\n" * (LONG // 6),
    "x" * LONG + "\0",
    "x" * LONG + "\r",
)
# Invalid text: wrong bytes at the start, and an incomplete character at the end.
NO_TEXT = {
    "UTF-8": (b"\xff" + b"x" * LONG, b"x" * LONG + b"\xc3"),
    "UTF-16le": (b"\x00\xd8" + b"x\0" * LONG, b"x\0" * LONG + b"\x3d\xd8"),
    "UTF-16be": (b"\xd8\x00" + b"\0x" * LONG, b"\0x" * LONG + b"\xd8\x3d"),
}
SHORT = (None, 7, -0.0, "it's\r\n", b"\0'", "")


def made(path: Path, encoding: str, generated: str) -> Path:
    """Make a database with these texts in rows with an implicit rowid, between short values of each kind."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute(f"CREATE TABLE t (a, long TEXT, b, c BLOB{generated})")
        insert = "INSERT INTO t(rowid, a, long, b, c) VALUES (?, ?, ?, ?, ?)"
        for number, text in enumerate((*TEXTS, "short")):
            blob = b"\x00\xff'" * (LONG // 2 if number == 3 else 1)
            connection.execute(insert, (7 * number - 20, SHORT[number % 6], text, SHORT[-number % 6], blob))
        for raw in NO_TEXT[encoding]:
            connection.execute("INSERT INTO t(a, long) VALUES (?, CAST(? AS TEXT))", (raw[:9], raw))
        connection.execute("INSERT INTO t(a) VALUES ('the last')")
    return path


@pytest.mark.parametrize(("encoding", "generated"), [*((each, "") for each in ENCODINGS), ("UTF-8", ", d AS (a || b)")])
def test_a_round_trip(tmp_path: Path, encoding: str, generated: str) -> None:
    """The dump makes the same database with the same digest, with and without generated columns."""
    source = made(tmp_path / "source.db", encoding, generated)
    write_dump(source, tmp_path / "dump.sql")
    load_dump(tmp_path / "dump.sql", tmp_path / "loaded.db")
    require_same(tmp_path / "loaded.db", source)
    assert read_tables(tmp_path / "loaded.db") == read_tables(source)
    assert b"\r" not in (tmp_path / "dump.sql").read_bytes(), "the sqlite3 command drops some"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_digest_follows_the_definition(tmp_path: Path, encoding: str) -> None:
    """The digest of a long row follows the definition in docs/content-digest.md, like that of a short one."""
    cjk = "語" * LONG  # without a zero byte in UTF-16
    with closing(sqlite3.connect(tmp_path / "some.db")) as connection, connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute("CREATE TABLE t (a, b, c)")
        connection.execute("INSERT INTO t VALUES (1.5, ?, ?)", (TEXTS[0], b"\xab\x01" * LONG))
        connection.execute("INSERT INTO t VALUES (NULL, ?, 7), ('', ?, -7)", (TEXTS[4], cjk))
    stored = [b"t" + text.encode(encoding).hex().upper().encode() for text in ("", TEXTS[0], TEXTS[4], cjk)]
    if encoding == "UTF-8":
        plain = [b"'" + text.encode().replace(b"'", b"''") + b"'" for text in ("", TEXTS[0], cjk)]
        stored = [plain[0], plain[1], stored[2], plain[2]]
    rows = [
        b"r3ff8000000000000," + stored[1] + b",X'" + b"AB01" * LONG + b"'\n",
        b"NULL," + stored[2] + b",7\n",
        stored[0] + b"," + stored[3] + b",-7\n",
    ]
    (table,) = read_tables(tmp_path / "some.db")
    assert table.digest == hashlib.sha256(b"".join(rows)).hexdigest()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_columns_added_later(tmp_path: Path, encoding: str) -> None:
    """A long row older than a column has its default, which is only in the schema."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES (?)", (TEXTS[1],))
        for number, default in enumerate(
            ("TEXT DEFAULT 'it''s é'", "BLOB DEFAULT x'00ff'", "TEXT DEFAULT ''", "DEFAULT 7")
        ):
            connection.execute(f"ALTER TABLE t ADD COLUMN later{number} {default}")
    write_dump(tmp_path / "source.db", tmp_path / "dump.sql")
    load_dump(tmp_path / "dump.sql", tmp_path / "loaded.db")
    require_same(tmp_path / "loaded.db", tmp_path / "source.db")
    assert read_tables(tmp_path / "loaded.db") == read_tables(tmp_path / "source.db")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_standard_library_loads_the_dump(tmp_path: Path, encoding: str) -> None:
    """An older SQLite loads the dump; its UTF-16 replaces two characters, so the source is made by 3.54."""
    with closing(apsw.Connection(str(tmp_path / "source.db"))) as source:
        source.execute(f"PRAGMA encoding = '{encoding}'; CREATE TABLE t (a)")
        for character in "\ufffe\uffff\ufeff\U0001ffff\ufdd0":
            source.execute("INSERT INTO t VALUES (CAST(? AS TEXT))", ((character + "x" * LONG).encode(encoding),))
    write_dump(tmp_path / "source.db", tmp_path / "dump.sql")
    with closing(sqlite3.connect(tmp_path / "loaded.db")) as connection:
        connection.executescript((tmp_path / "dump.sql").read_text(encoding="utf-8"))
    require_same(tmp_path / "loaded.db", tmp_path / "source.db")


def test_text_beside_a_long_blob_is_readable(tmp_path: Path) -> None:
    """Text in a row with a long blob is readable in the dump."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, name TEXT, data BLOB, note TEXT)")
        connection.execute("INSERT INTO files VALUES (1, 'žába', zeroblob(?), ?)", (LONG, TEXTS[0]))
    write_dump(tmp_path / "source.db", tmp_path / "dump.sql")
    text = (tmp_path / "dump.sql").read_text()
    assert """VALUES(1,'žába',X'0000""" in text
    assert """00','it''s text; it''s""" in text


SCRIPT = """
import re, sys
from pathlib import Path
from sqlitevault.database.content import read_tables
from sqlitevault.dump.write import write_dump
write_dump(Path(sys.argv[1]), Path(sys.argv[2]))
read_tables(Path(sys.argv[1]))
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def test_memory_does_not_grow_with_a_value(tmp_path: Path) -> None:
    """A blob and a text of 64 MB are never completely in memory."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (zeroblob(64 << 20)), (?)", ("é" * (32 << 20),))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path / "source.db", tmp_path / "dump.sql"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 100, "MB"
