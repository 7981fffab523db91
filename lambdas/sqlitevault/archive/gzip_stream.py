"""An untrusted gzip file, read in flat memory: exactly one member, nothing before or after it (RFC 1952)."""

import hashlib
from typing import BinaryIO

from isal import igzip_lib

from sqlitevault.archive import limits
from sqlitevault.archive.refusals import FETCH_AGAIN, damaged
from sqlitevault.ground.errors import ArchiveUnsafe
from sqlitevault.ground.steps import OnBytes, ignore_bytes

_MAGIC = b"\x1f\x8b\x08"
_FLAGS_AT = 3
_RESERVED_FLAGS = 0xE0


class GzipStream:
    """The content of a gzip file, from front to back. CRC-32 and length are proven when `read` returns b"".

    `packed_bytes` is the number of compressed bytes read so far.
    """

    def __init__(self, source: BinaryIO, *, on_bytes: OnBytes = ignore_bytes, step: int = limits.CHUNK) -> None:
        """Read from `source`, unpacking `step` bytes at a time; `on_bytes` is called with compressed bytes."""
        self._source = source
        self._on_bytes = on_bytes
        self._step = step
        self._decompressor = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        self._sha256 = hashlib.sha256()
        self._buffer = memoryview(b"")
        self.packed_bytes = 0

    @property
    def packed_sha256(self) -> str:
        """SHA-256 of the compressed bytes read so far; of the whole file once `read` has returned b""."""
        return self._sha256.hexdigest()

    def read(self, count: int) -> bytes:
        """Return at most `count` bytes, and b"" only at the proven end.

        Raises:
            ArchiveUnsafe: the file is not gzip, or something follows the end.
            ChecksumMismatch: it is damaged or truncated.
        """
        while not self._buffer:
            if self._decompressor.eof:
                return b""
            self._fill()
        taken = bytes(self._buffer[:count])
        self._buffer = self._buffer[count:]
        return taken

    def read_exactly(self, count: int) -> bytes:
        """Return `count` bytes.

        Raises:
            ArchiveUnsafe, ChecksumMismatch: as `read`; ChecksumMismatch also if fewer bytes are left.
        """
        parts: list[bytes] = []
        missing = count
        while missing:
            part = self.read(missing)
            if not part:
                raise damaged("the archive ends in the middle of its content")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def read_rest_packed(self) -> None:
        """Read the file to its end without unpacking, so that size and SHA-256 cover the whole file."""
        while packed := self._source.read(limits.CHUNK):
            self._count(packed)

    def _fill(self) -> None:
        packed = self._next_packed() if self._decompressor.needs_input else b""
        try:
            self._buffer = memoryview(self._decompressor.decompress(packed, self._step))
        except igzip_lib.IsalError as error:  # type: ignore[misc]  # declared as an instance in its stub
            raise damaged(f"the archive's compressed data is damaged: {error}") from error
        if self._decompressor.eof and (self._decompressor.unused_data or self._source.read(1)):
            raise ArchiveUnsafe(
                "something follows the end of the archive's compressed data",
                hint="Fetch the archive again; if that does not help, take another backup: this one was changed.",
            )

    def _next_packed(self) -> bytes:
        packed = self._source.read(limits.CHUNK)
        if self.packed_bytes == 0:
            _require_header(packed)
        elif not packed:
            raise damaged(f"the archive is truncated: it ends after {self.packed_bytes:,} bytes")
        self._count(packed)
        return packed

    def _count(self, packed: bytes) -> None:
        self.packed_bytes += len(packed)
        self._sha256.update(packed)
        self._on_bytes(len(packed))


def _require_header(packed: bytes) -> None:
    if not packed:
        raise ArchiveUnsafe("the archive is an empty file", hint=FETCH_AGAIN)
    if not packed.startswith(_MAGIC[: len(packed)]):
        raise ArchiveUnsafe(
            "this is not a gzip file, so it is not a backup archive",
            hint="Give the .tar.gz file of a backup; `sqlitevault list` shows them.",
        )
    if len(packed) > _FLAGS_AT and packed[_FLAGS_AT] & _RESERVED_FLAGS:
        raise ArchiveUnsafe("the gzip header has flags that do not exist", hint=FETCH_AGAIN)
