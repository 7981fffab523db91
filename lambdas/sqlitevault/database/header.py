"""The 100-byte database header (https://www.sqlite.org/fileformat2.html#the_database_header)."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlitevault.ground.errors import SourceCorrupt, SourceNotFound, SourceUnsupported

HEADER_BYTES = 100
MAGIC = b"SQLite format 3\0"
# Offsets of the format version numbers (section 1.3.3): 1 is a rollback journal, 2 is WAL.
WRITE_VERSION_OFFSET = 18
ROLLBACK_VERSIONS = b"\x01\x01"

JournalMode = Literal["wal", "rollback"]

_WAL = 2
_SMALLEST_PAGE, _LARGEST_PAGE = 512, 65536
_PAYLOAD_FRACTIONS = bytes((64, 32, 32))
# 0: a database without tables has no encoding yet; its first table makes it UTF-8.
_ENCODINGS = {0: "UTF-8", 1: "UTF-8", 2: "UTF-16le", 3: "UTF-16be"}
_LAYOUT = struct.Struct(">16xHBBx3s32xIi4xi24xI")
_RESTORE = "Restore the newest good backup."


@dataclass(frozen=True, slots=True)
class Header:
    """Facts from a database's header; `page_size` is in bytes, `sqlite_version` is of the library that wrote last."""

    page_size: int
    journal_mode: JournalMode
    user_version: int
    application_id: int
    encoding: str
    sqlite_version: str


def parse_header(first_bytes: bytes) -> Header:
    """Parse the first bytes (100 or more) of a database file.

    Raises:
        SourceCorrupt: there are no bytes, or they do not begin a SQLite database.
        SourceUnsupported: the file format is newer than this version reads (section 1.3.3).
    """
    if not first_bytes:
        raise SourceCorrupt(
            "the database is empty: the file has 0 bytes",
            hint="Check that the path is the application's database and that the application has created its tables.",
        )
    if len(first_bytes) < HEADER_BYTES or not first_bytes.startswith(MAGIC):
        raise SourceCorrupt(
            "the file is not a SQLite database",
            hint=f"Check that the path is the application's database and that it is not encrypted. {_RESTORE}",
        )
    raw_page_size, write, read, fractions, encoding, user_version, application_id, version = _LAYOUT.unpack_from(
        first_bytes
    )
    page_size = _LARGEST_PAGE if raw_page_size == 1 else raw_page_size
    if max(write, read) > _WAL:
        raise SourceUnsupported(
            f"the database has file format version {max(write, read)}; this version reads up to {_WAL}",
            hint="Use a newer version of sqlitevault.",
        )
    if page_size.bit_count() != 1 or not _SMALLEST_PAGE <= page_size <= _LARGEST_PAGE:
        raise SourceCorrupt(f"the database's header is damaged: it gives a page size of {page_size}", hint=_RESTORE)
    if fractions != _PAYLOAD_FRACTIONS or encoding not in _ENCODINGS:
        raise SourceCorrupt("the database's header is damaged: it holds values that SQLite never writes", hint=_RESTORE)
    return Header(
        page_size=page_size,
        journal_mode="wal" if _WAL in (write, read) else "rollback",
        user_version=user_version,
        application_id=application_id,
        encoding=_ENCODINGS[encoding],
        sqlite_version=f"{version // 1_000_000}.{version // 1000 % 1000}.{version % 1000}",
    )


def read_header(path: Path) -> Header:
    """Return the header of the database file at `path`.

    Raises:
        SourceNotFound: the file does not exist or may not be read.
        SourceCorrupt: it is empty or not a SQLite database.
        SourceUnsupported: its format is newer than this version reads.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # to open a FIFO would wait for its writer
            raise SourceNotFound(f"{path} is not an ordinary file", hint="Set DATABASE_PATH to the database file.")
        with path.open("rb") as file:
            return parse_header(file.read(HEADER_BYTES))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_found(path) from error
    except (IsADirectoryError, PermissionError) as error:
        raise SourceNotFound(
            f"{path} cannot be read: {error.strerror}",
            hint="Set DATABASE_PATH to the database file and let this user read it.",
        ) from error


def not_found(path: Path) -> SourceNotFound:
    """Return the error for a missing database."""
    return SourceNotFound(
        f"there is no database at {path}",
        hint="Set DATABASE_PATH to the application's database file and check that its file system is mounted.",
    )
