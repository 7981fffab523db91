"""An untrusted tar: plain files and folders only, every header limited in size, nothing extracted.

POSIX.1-2017 `pax` (ustar and pax interchange formats) and the GNU tar manual ("Basic Tar Format"). Python's `tarfile`
parses only the 512-byte block; it never reads extended headers here, because it does not limit their size.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlitevault.archive import limits
from sqlitevault.archive.gzip_stream import GzipStream
from sqlitevault.archive.refusals import damaged, shown, unsafe
from sqlitevault.ground.errors import ArchiveUnsafe

_END = b"\0" * tarfile.BLOCKSIZE
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)
# Records that affect neither the content nor the place of a file.
_IGNORED_RECORDS = frozenset({b"mtime", b"atime", b"ctime", b"uid", b"gid", b"uname", b"gname", b"comment"})
_LENGTH_DIGITS = len(str(limits.EXTENDED_HEADER))
_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a character device",
    tarfile.BLKTYPE: "a block device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
    tarfile.GNUTYPE_LONGLINK: "a link with a long name",
    tarfile.XGLTYPE: "a global extended header",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder of a tar. Read `content` before the next entry."""

    path: str
    size: int
    is_folder: bool
    content: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class _Header:
    kind: bytes
    path: str
    size: int


def entries(stream: GzipStream) -> Iterator[Entry]:
    """Yield the files and folders of the tar, with unchecked paths, then prove that only padding follows.

    Raises:
        ArchiveUnsafe: not a tar; an entry other than files and folders; an extended header too large or not needed.
        ChecksumMismatch: the archive is damaged or truncated.
    """
    for _ in range(limits.ENTRIES):
        header = _next_header(stream)
        if header is None:
            _require_only_padding(stream)
            return
        content = _content(stream, header.size)
        yield Entry(header.path, header.size, header.kind == tarfile.DIRTYPE, content)
        for _unread in content:
            pass
    raise unsafe(f"the archive has more than {limits.ENTRIES:,} entries")


def _content(stream: GzipStream, size: int) -> Iterator[bytes]:
    missing = size
    while missing:
        part = stream.read(min(missing, limits.CHUNK))
        if not part:
            raise damaged("the archive ends in the middle of its content")
        missing -= len(part)
        yield part
    stream.read_exactly(-size % tarfile.BLOCKSIZE)


def _next_header(stream: GzipStream) -> _Header | None:
    """Return the next file or folder with its extended headers applied; None at the end mark."""
    path: str | None = None
    size: int | None = None
    extended: set[bytes] = set()
    while True:
        header = _read_block(stream)
        if header is None or header.kind not in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
            break
        if header.kind in extended:
            raise unsafe("the archive has two extended headers for one member")
        extended.add(header.kind)
        data = _extended_data(stream, header)
        if header.kind == tarfile.GNUTYPE_LONGNAME:
            path = _text(data.rstrip(b"\0"))
        else:
            path, size = _overrides(data, path)
    if header is None and extended:
        raise unsafe("the archive has an extended header without a member")
    return _accepted(header, path, size) if header else None


def _accepted(header: _Header, path: str | None, size: int | None) -> _Header:
    whole = replace(header, path=header.path if path is None else path, size=header.size if size is None else size)
    if whole.kind == tarfile.DIRTYPE and whole.size == 0:
        return replace(whole, path=whole.path.removesuffix("/"))
    if whole.kind not in _REGULAR:
        kind = _KINDS.get(whole.kind, "an entry of an unknown kind")
        raise unsafe(f"the archive has {kind}, {shown(whole.path)}; only files are allowed")
    return whole


def _read_block(stream: GzipStream) -> _Header | None:
    block = stream.read_exactly(tarfile.BLOCKSIZE)
    if block == _END:
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise ArchiveUnsafe(
            f"the archive's content is not a tar, or is damaged: {error}",
            hint="Give the .tar.gz file of a backup; if it is one, fetch it again or take another backup.",
        ) from error
    if info.size < 0:
        raise unsafe(f"the archive gives {shown(info.name)} a negative size")
    return _Header(info.type, info.name, info.size)


def _extended_data(stream: GzipStream, header: _Header) -> bytes:
    if header.size > limits.EXTENDED_HEADER:
        raise unsafe(f"the archive has an extended header of {header.size:,} bytes")
    data = stream.read_exactly(header.size)
    stream.read_exactly(-header.size % tarfile.BLOCKSIZE)
    return data


def _overrides(data: bytes, path: str | None) -> tuple[str | None, int | None]:
    size: int | None = None
    for key, value in _records(data):
        if key == b"path":
            path = _text(value)
        elif key == b"size" and value.isdigit() and len(value) < len(str(1 << 64)):
            size = int(value)
        elif key not in _IGNORED_RECORDS:
            raise unsafe(f"the archive has an extended header with {shown(_text(key))}, which no backup needs")
    return path, size


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the records of a pax header: `<length> <key>=<value>` and a newline; the length covers the whole record."""
    at = 0
    while at < len(data):
        digits = data[at : at + _LENGTH_DIGITS + 1].partition(b" ")[0]
        length = int(digits) if digits.isdigit() else 0
        record = data[at : at + length]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if not key or not equals or len(record) != length or not record.endswith(b"\n"):
            raise unsafe("the archive has a malformed extended header")
        yield key, value
        at += length


def _require_only_padding(stream: GzipStream) -> None:
    """The end is two blocks of zeros; more zeros may fill the last record."""
    if stream.read_exactly(tarfile.BLOCKSIZE) != _END:
        raise unsafe("the archive goes on after its end mark")
    padding = 0
    while part := stream.read(limits.CHUNK):
        padding += len(part)
        if part.strip(b"\0") or padding > limits.PADDING:
            raise unsafe("the archive goes on after its end mark")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
