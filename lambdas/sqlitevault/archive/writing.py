"""Writing an archive: one pass over the members, the same bytes for the same input, flat memory.

gzip by ISA-L at level 2 (benchmarks/README.md has its cost and gain), tar in GNU format, which holds files of any size.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterator, Sequence
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
        with closing(stream):
            _Tar(stream, manifest, on_bytes).write(ordered, recorded)
    return Archive(name=destination.name, bytes=packed.bytes, sha256=packed.sha256)


class _Tar:
    """The members of one archive, written one after the other."""

    def __init__(self, output: BinaryIO, manifest: Manifest, on_bytes: OnBytes) -> None:
        self._output = output
        self._manifest = manifest
        self._on_bytes = on_bytes
        self._written = 0

    def write(self, members: Sequence[Member], recorded: dict[str, File]) -> None:
        inner = self._manifest.model_copy(update={"archive": None}).to_json()
        self._write_small(MANIFEST, inner)
        listed = (recorded[member.path] for member in members)
        self._write_small(CHECKSUMS, render_checksums((described(MANIFEST, inner), *listed)))
        for member in members:
            self._write_file(member, recorded[member.path])
        self._put(b"\0" * (2 * tarfile.BLOCKSIZE))
        self._put(b"\0" * (-self._written % tarfile.RECORDSIZE))

    def _write_small(self, path: str, content: bytes) -> None:
        self._put(self._header(path, len(content), _MODE))
        self._put(content)
        self._pad()

    def _write_file(self, member: Member, recorded: File) -> None:
        digest = hashlib.sha256()
        self._put(self._header(member.path, recorded.bytes, _PRIVATE_MODE))
        for part in _content(member, recorded.bytes):
            digest.update(part)
            self._put(part)
            self._on_bytes(len(part))
        if digest.hexdigest() != recorded.sha256:
            raise _changed(member)
        self._pad()

    def _header(self, path: str, size: int, mode: int) -> bytes:
        info = tarfile.TarInfo(f"{self._manifest.backup_id}/{path}")
        info.size = size
        info.mode = mode
        info.mtime = int(self._manifest.created_at.timestamp())
        return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")

    def _pad(self) -> None:
        self._put(b"\0" * (-self._written % tarfile.BLOCKSIZE))

    def _put(self, data: bytes) -> None:
        self._output.write(data)
        self._written += len(data)


def _content(member: Member, size: int) -> Iterator[bytes]:
    with member.source.open("rb") as file:
        missing = size
        while missing:
            part = file.read(min(missing, limits.CHUNK))
            if not part:
                raise _changed(member)
            missing -= len(part)
            yield part
        if file.read(1):
            raise _changed(member)


def _changed(member: Member) -> ChecksumMismatch:
    return ChecksumMismatch(
        f"{member.path} changed while it was being packed",
        hint="Take the backup again, and let no other program write to scratch.",
    )
