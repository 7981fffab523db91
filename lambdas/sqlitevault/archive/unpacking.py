"""Unpacking an untrusted archive: each member is proven while it streams, in flat memory.

In format 1 the manifest comes first, so every byte after it is known in advance.

Python's `tarfile.extract*` is not used: nothing is written before its name, kind and size are checked.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from sqlitevault.archive.gzip_stream import GzipStream
from sqlitevault.archive.intake import Intake, new_folder
from sqlitevault.archive.legacy import is_legacy_manifest, legacy_limit, read_legacy
from sqlitevault.archive.members import CHECKSUMS, MANIFEST, described, render_checksums, require_safe_path
from sqlitevault.archive.refusals import CHANGED, damaged, shown, unsafe
from sqlitevault.archive.tar_stream import Entry, entries
from sqlitevault.catalog.manifest import File, Manifest
from sqlitevault.ground.errors import ArchiveUnsafe, BackupNotFound, ChecksumMismatch, ManifestInvalid
from sqlitevault.ground.steps import OnBytes, ignore_bytes


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An archive's content on disk: `folder` is its top folder, named for the backup.

    `manifest` is the expected one, or else the archive's own.
    """

    folder: Path
    manifest: Manifest

    @property
    def database(self) -> Path | None:
        """The database; None if the backup holds none, or it was not unpacked."""
        path = self.folder / (self.manifest.database_member or "")
        return path if path.is_file() else None

    def require_database(self) -> Path:
        """Return the database.

        Raises:
            BackupNotFound: the backup holds none.
        """
        if self.database is None:
            raise BackupNotFound(
                f"{self.manifest.backup_id} holds no database",
                hint="It is a backup of the configuration; choose a backup of the database.",
            )
        return self.database


def everything(_member: str) -> bool:
    """Select every member."""
    return True


def unpack(
    archive: Path,
    into: Path,
    *,
    wanted: Callable[[str], bool] = everything,
    expected: Manifest | None = None,
    on_bytes: OnBytes = ignore_bytes,
) -> Unpacked:
    """Unpack and prove an archive. After any error `into` is as before: empty or missing.

    It unpacks to no more bytes than the manifest records; an archive of the original script to 200 times its size, at
    least 64 MiB and at most 100 GiB.

    Args:
        archive: the `.tar.gz` file.
        into: an empty folder, or the path of a new one. Nothing outside it is written.
        wanted: selects the members to write, by path within the top folder; all are checked in any case.
        expected: the manifest beside the archive, which must match the archive's checksum and its own manifest.
        on_bytes: called with the number of compressed bytes read since the last call.

    Raises:
        BackupNotFound: the file does not exist.
        ArchiveUnsafe: not a backup archive, or an attack: names that lead elsewhere, links, devices, duplicates,
            members that are not recorded, too many bytes.
        ChecksumMismatch: truncated, damaged, or not what was backed up.
        ManifestInvalid: its manifest is missing, malformed, of a newer format, or not the expected one.
        IntegrityCheckFailed: the database in an archive of the original script is not a SQLite database.
        SourceUnsupported: the database has a newer file format.
        ScratchFull: the disk is too small; checked before anything is written.
        TargetExists: `into` is not empty.
    """
    with _open(archive) as source, new_folder(into) as folder:
        stream, intake = GzipStream(source, on_bytes=on_bytes), Intake(folder, wanted)
        try:
            manifest = _read(stream, intake, expected, archive.stat().st_size)
        except (ArchiveUnsafe, ChecksumMismatch, ManifestInvalid) as error:
            _require_undamaged(stream, expected, error)
            raise
        _require_undamaged(stream, expected, None)
    return Unpacked(into / manifest.backup_id, expected or manifest)


def read_manifest(archive: Path) -> Manifest:
    """Return the manifest inside an archive; for one of the original script, a manifest made from its content.

    With format 1 only the first member is read, so nothing else is proven.

    Raises:
        BackupNotFound: the file does not exist.
        ArchiveUnsafe, ChecksumMismatch, ManifestInvalid, IntegrityCheckFailed, SourceUnsupported: as `unpack`, for the
            part that was read.
    """
    with _open(archive) as source:
        intake = Intake(None, everything)
        content, arriving = _first(entries(GzipStream(source)), intake)
        if content is None or is_legacy_manifest(content):
            intake.max_bytes = legacy_limit(archive.stat().st_size)
            return read_legacy(content, arriving, intake)
        manifest = Manifest.from_json(content)
        _require_agreement(manifest, intake.top, None)
        return manifest


def _read(stream: GzipStream, intake: Intake, expected: Manifest | None, archive_bytes: int) -> Manifest:
    content, arriving = _first(entries(stream), intake)
    if content is not None and not is_legacy_manifest(content):
        return _read_recorded(content, arriving, intake, expected)
    intake.max_bytes = legacy_limit(archive_bytes)
    manifest = read_legacy(content, arriving, intake)
    _require_agreement(manifest, intake.top, expected)
    return manifest


def _read_recorded(content: bytes, arriving: Iterator[Entry], intake: Intake, expected: Manifest | None) -> Manifest:
    """Receive everything after MANIFEST.json, whose `content` is given, and compare it with that manifest."""
    manifest = Manifest.from_json(content)
    recorded = _recorded(manifest, content)
    _require_agreement(manifest, intake.top, expected)
    intake.require_room(iter(recorded.values()))
    for entry in arriving:
        _receive(entry, intake, recorded)
    missing = recorded.keys() - intake.files.keys()
    if missing:
        raise damaged(f"the archive lacks {len(missing)} recorded members, such as {shown(min(missing))}")
    return manifest


def _require_agreement(manifest: Manifest, top: str, expected: Manifest | None) -> None:
    """Compare the archive's own manifest with its top folder and with the manifest beside the archive."""
    if manifest.backup_id != top:
        raise ManifestInvalid(
            f"the archive's manifest is for {manifest.backup_id}, its top folder is {shown(top)}", hint=CHANGED
        )
    if expected is not None and _comparable(manifest) != _comparable(expected):
        raise ManifestInvalid(
            f"the manifest of {expected.backup_id} differs from the one inside its archive", hint=CHANGED
        )


def _comparable(manifest: Manifest) -> bytes:
    return manifest.model_copy(update={"archive": None}).to_json()


def _recorded(manifest: Manifest, content: bytes) -> dict[str, File]:
    """Return the files that must follow, by path. The content of `checksums.sha256` follows from the manifest."""
    recorded = {file.path: file for file in manifest.files}
    if len(recorded) != len(manifest.files) or recorded.keys() & {MANIFEST, CHECKSUMS}:
        raise ManifestInvalid("the manifest records a member twice", hint=CHANGED)
    for path in recorded:
        require_safe_path(path)
    listing = render_checksums((described(MANIFEST, content), *manifest.files))
    return {CHECKSUMS: described(CHECKSUMS, listing), **recorded}


def _receive(entry: Entry, intake: Intake, recorded: dict[str, File]) -> None:
    path = intake.accept(entry)
    file = recorded.get(path)
    if file is None or entry.is_folder:
        raise unsafe(f"the archive has {shown(path)}, which its manifest does not record")
    if entry.size > file.bytes:
        raise unsafe(f"the archive's {shown(path)} has {entry.size:,} bytes, its manifest records {file.bytes:,}")
    intake.receive(path, entry)
    if intake.files[path] != file:
        raise damaged(f"{shown(path)} is not what was backed up: its SHA-256 differs")


def _first(arriving: Iterator[Entry], intake: Intake) -> tuple[bytes | None, Iterator[Entry]]:
    """Return the manifest's content if it comes first, as in format 1, and the remaining entries."""
    first = next(arriving, None)
    if first is None:
        raise ArchiveUnsafe("the archive is empty", hint="Take another backup.")
    if first.is_folder or first.path.partition("/")[2] != MANIFEST:
        return None, chain((first,), arriving)
    return intake.receive_small(intake.accept(first), first), arriving


@contextmanager
def _open(archive: Path) -> Iterator[BinaryIO]:
    try:
        source = archive.open("rb")
    except FileNotFoundError:
        raise BackupNotFound(
            f"there is no archive {archive}", hint="`sqlitevault list` shows the existing backups."
        ) from None
    except IsADirectoryError:
        raise ArchiveUnsafe(f"{archive} is a folder", hint="Give the .tar.gz file of a backup.") from None
    with source:
        yield source


def _require_undamaged(stream: GzipStream, expected: Manifest | None, cause: Exception | None) -> None:
    """Compare the archive file with its checksum; a difference there is the real cause of any other error."""
    if expected is None or expected.archive is None:
        return
    stream.read_rest_packed()
    if (stream.packed_bytes, stream.packed_sha256) != (expected.archive.bytes, expected.archive.sha256):
        raise ChecksumMismatch(
            f"the archive has {stream.packed_bytes:,} bytes, SHA-256 {stream.packed_sha256};"
            f" {expected.archive.bytes:,} bytes, {expected.archive.sha256} are recorded",
            hint="Fetch it again; if it still differs, take another backup or its copy in the replica vault.",
        ) from cause
