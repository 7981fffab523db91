"""The write-ahead log's format (https://www.sqlite.org/fileformat2.html#the_write_ahead_log)."""

import struct
from dataclasses import dataclass
from pathlib import Path

from sqlitevault.database.header import WRITE_VERSION_OFFSET, parse_header
from sqlitevault.ground.errors import SourceCorrupt, SourceUnsupported

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">II8s8x")
_MAGIC = 0x377F0682
_BIG_ENDIAN = 1
_VERSION = 3007000
_CHECKED_BYTES = 24
_WORD = 0xFFFFFFFF
_PAGE_SIZES = frozenset(1 << power for power in range(9, 17))
# Magic, page size and format versions: the first bytes of a database that no commit changes.
_LASTING_BYTES = WRITE_VERSION_OFFSET + 2
_WAL_VERSION = 2


@dataclass(frozen=True, slots=True)
class WalHeader:
    """A sound header. No two generations of a log have the same header: the salts differ (section 4.1)."""

    page_size: int
    salts: bytes

    @property
    def next_salt(self) -> bytes:
        """The first salt of the generation after this one; walRestartHdr in src/wal.c adds one."""
        return ((int.from_bytes(self.salts[:4], "big") + 1) & _WORD).to_bytes(4, "big")


def parse_wal_header(first_bytes: bytes) -> WalHeader | None:
    """Return the header, or None where SQLite takes the log as empty: its header is missing, partial or torn.

    Raises:
        SourceUnsupported: the log's format is newer than this version reads.
    """
    if len(first_bytes) < HEADER_BYTES:
        return None
    magic, version, page_size, _, _, _, *checksum = _HEADER.unpack_from(first_bytes)
    if magic & ~_BIG_ENDIAN != _MAGIC or page_size not in _PAGE_SIZES:
        return None
    if wal_checksum(first_bytes[:_CHECKED_BYTES], big_endian=bool(magic & _BIG_ENDIAN)) != tuple(checksum):
        return None
    if version != _VERSION:
        raise SourceUnsupported(
            f"the write-ahead log has format version {version}; this version reads {_VERSION}",
            hint="Use a newer version of sqlitevault.",
        )
    return WalHeader(page_size=page_size, salts=first_bytes[16:24])


def wal_checksum(data: bytes, *, big_endian: bool) -> tuple[int, int]:
    """Return the checksum of some bytes, whose number is a multiple of 8 (section 4.2)."""
    first = second = 0
    for one, two in struct.iter_unpack(">II" if big_endian else "<II", data):
        first = (first + one + second) & _WORD
        second = (second + two + first) & _WORD
    return first, second


def count_frames(log: Path, header: WalHeader) -> int | None:
    """Return how many frames of the header's generation the log begins with; None if the next generation follows.

    Their checksums are not checked here: SQLite checks each one when it recovers the log.
    """
    frame_bytes = FRAME_HEADER_BYTES + header.page_size
    count = 0
    with log.open("rb", buffering=0) as file:
        while True:
            file.seek(HEADER_BYTES + count * frame_bytes)
            frame = file.read(FRAME_HEADER_BYTES)
            if len(frame) < FRAME_HEADER_BYTES:
                return count
            page, _, salts = _FRAME.unpack(frame)
            if page == 0 or salts != header.salts:
                return None if salts.startswith(header.next_salt) else count
            count += 1


def require_own_log(database_header: bytes, log: WalHeader) -> None:
    """Check that a log can belong to the database that starts with these bytes.

    Raises:
        SourceCorrupt: the database is in rollback mode or has another page size.
    """
    page_size = parse_header(database_header).page_size
    if not in_wal_mode(database_header):
        fault = "a write-ahead log lies beside a database in rollback mode; SQLite would apply it to the database"
    elif log.page_size != page_size:
        fault = f"the -wal file has pages of {log.page_size} bytes, the database of {page_size}"
    else:
        return
    raise SourceCorrupt(
        fault,
        hint="It was probably left by a database that was here before. Stop the application, move the -wal file away, "
        "and run PRAGMA integrity_check on the database.",
    )


def in_wal_mode(database_header: bytes) -> bool:
    """Return whether a database's first bytes put it in WAL mode (section 1.3.3)."""
    return _WAL_VERSION in database_header[WRITE_VERSION_OFFSET:_LASTING_BYTES]


def lasting(database_header: bytes) -> bytes:
    """Return the first bytes of a database that change only with its journal mode, page size or kind of file."""
    return database_header[:_LASTING_BYTES]
