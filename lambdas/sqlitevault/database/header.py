"""The 100-byte header of a SQLite database (https://sqlite.org/fileformat2.html, section 1.3)."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlitevault.errors import SourceCorrupt, SourceNotFound

HEADER_BYTES = 100
MAGIC = b"SQLite format 3\x00"
_ENCODINGS = {0: "UTF-8", 1: "UTF-8", 2: "UTF-16le", 3: "UTF-16be"}

JournalMode = Literal["wal", "rollback"]
AutoVacuum = Literal["none", "full", "incremental"]


@dataclass(frozen=True, slots=True)
class Header:
    """Facts in a database's header. Sizes are bytes; `page_count` is the header's, 0 in very old databases."""

    page_size: int
    page_count: int
    journal_mode: JournalMode
    change_counter: int
    user_version: int
    application_id: int
    encoding: str
    sqlite_version: str
    auto_vacuum: AutoVacuum


def parse_header(first_bytes: bytes) -> Header:
    """Read a header from the first bytes of a database.

    Raises:
        SourceCorrupt: the file is empty, shorter than a header, or not SQLite.
    """
    if not first_bytes:
        raise SourceCorrupt(
            "the database file is empty (0 bytes)", hint="Check DATABASE_PATH; restore the newest backup if data was lost."
        )
    if len(first_bytes) < HEADER_BYTES or not first_bytes.startswith(MAGIC):
        raise SourceCorrupt("the file is not a SQLite database", hint="Check DATABASE_PATH; it names another kind of file.")
    page_size = struct.unpack_from(">H", first_bytes, 16)[0]
    page_size = 65536 if page_size == 1 else page_size
    if page_size < 512 or page_size & (page_size - 1):  # noqa: PLR2004
        raise SourceCorrupt(f"the header gives an impossible page size, {page_size}", hint="The file is damaged.")
    change_counter, page_count = struct.unpack_from(">II", first_bytes, 24)
    largest_root, encoding, user_version, incremental, application_id = struct.unpack_from(">IIiIi", first_bytes, 52)
    return Header(
        page_size=page_size,
        page_count=page_count,
        journal_mode="wal" if first_bytes[18] == 2 or first_bytes[19] == 2 else "rollback",  # noqa: PLR2004
        change_counter=change_counter,
        user_version=user_version,
        application_id=application_id,
        encoding=_ENCODINGS.get(encoding, "unknown"),
        sqlite_version=_version(struct.unpack_from(">I", first_bytes, 96)[0]),
        auto_vacuum=_auto_vacuum(largest_root, incremental),
    )


def _auto_vacuum(largest_root: int, incremental: int) -> AutoVacuum:
    if not largest_root:
        return "none"
    return "incremental" if incremental else "full"


def _version(number: int) -> str:
    """Return `SQLITE_VERSION_NUMBER` as text: 3045001 is 3.45.1."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def read_header(path: Path) -> Header:
    """Read the header of the database at `path`, by a plain read that takes no lock.

    Raises:
        SourceNotFound: there is no such file.
        SourceCorrupt: it is empty or not SQLite.
    """
    try:
        with path.open("rb") as database:
            return parse_header(database.read(HEADER_BYTES))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise SourceNotFound(
            f"there is no database at {path}", hint="Set DATABASE_PATH to the database file, or check the mount."
        ) from error
