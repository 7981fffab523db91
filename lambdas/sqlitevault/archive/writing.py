"""Writing an archive: one pass over the members, the same bytes for the same input, flat memory.

gzip by ISA-L at level 2 (benchmarks/README.md has its cost and gain), tar in GNU format, which holds files of any size.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from isal import igzip_threaded

from sqlitevault.archive import limits
from sqlitevault.archive.members import CHECKSUMS, MANIFEST, Member, described, in_order, render_checksums
from sqlitevault.catalog.manifest import Archive, File, Manifest
from sqlitevault.ground.errors import ChecksumMismatch, ManifestInvalid
from sqlitevault.ground.files import full_disk_reported, whole_file
from sqlitevault.ground.steps import OnBytes, ignore_bytes

LEVEL = 2
_BLOCK = limits.MEBIBYTE
_MOST_THREADS = 4
_MODE = 0o644
_PRIVATE_MODE = 0o600


class _Packed:
    """The archive's file: hashes and counts what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self._sha256.update(data)
        self.bytes += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


def write_archive(
    manifest: Manifest, members: Sequence[Member], destination: Path, *, on_bytes: OnBytes = ignore_bytes
) -> Archive:
    """Pack the members and return the archive's entry for the manifest.

    Args:
        manifest: describes exactly these members; its `archive` is left out of the archive.
        members: in any order; packed in the order of format 1.
        destination: the `.tar.gz` file; written whole or not at all.
        on_bytes: called with the number of members' bytes packed since the last call.

    Raises:
        ManifestInvalid: the manifest describes other members.
        ChecksumMismatch: a member's file differs from the manifest: it changed meanwhile.
        ScratchFull: the disk is too small.
    """
    ordered = in_order(members)
    recorded = {file.path: file for file in manifest.files}
    if [member.path for member in ordered] != [file.path for file in in_order(manifest.files)]:
        raise ManifestInvalid("the manifest describes other members", hint="Report this as a defect.")
    with full_disk_reported(destination.parent), whole_file(destination) as file:
        packed = _Packed(file)
        threads = min(_MOST_THREADS, os.cpu_count() or 1)
        stream = igzip_threaded.open(packed, "wb", compresslevel=LEVEL, threads=threads, block_size=_BLOCK)  # type: ignore[no-untyped-call]
        written = 0
        with closing(stream):
            for part in _tar(manifest, ordered, recorded, on_bytes):
                stream.write(part)
                written += len(part)
            stream.write(b"\0" * (-written % tarfile.RECORDSIZE))
    return Archive(name=destination.name, bytes=packed.bytes, sha256=packed.sha256)


def _tar(
    manifest: Manifest, members: Sequence[Member], recorded: Mapping[str, File], on_bytes: OnBytes
) -> Iterator[bytes]:
    """Yield the archive's tar except its final padding."""
    inner = manifest.model_copy(update={"archive": None}).to_json()
    listing = render_checksums((described(MANIFEST, inner), *(recorded[member.path] for member in members)))
    for path, content in ((MANIFEST, inner), (CHECKSUMS, listing)):
        yield from (_header(manifest, path, len(content), _MODE), content, _padding(len(content)))
    for member in members:
        file = recorded[member.path]
        yield _header(manifest, member.path, file.bytes, _PRIVATE_MODE)
        yield from _content(member, file, on_bytes)
        yield _padding(file.bytes)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _header(manifest: Manifest, path: str, size: int, mode: int) -> bytes:
    info = tarfile.TarInfo(f"{manifest.backup_id}/{path}")
    info.size = size
    info.mode = mode
    info.mtime = int(manifest.created_at.timestamp())
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)


def _content(member: Member, recorded: File, on_bytes: OnBytes) -> Iterator[bytes]:
    digest = hashlib.sha256()
    missing = recorded.bytes
    with member.source.open("rb") as file:
        while missing and (part := file.read(min(missing, limits.CHUNK))):
            missing -= len(part)
            digest.update(part)
            yield part
            on_bytes(len(part))
        if missing or file.read(1) or digest.hexdigest() != recorded.sha256:
            raise ChecksumMismatch(
                f"{member.path} changed while it was being packed",
                hint="Take the backup again, and let no other program write to scratch.",
            )
