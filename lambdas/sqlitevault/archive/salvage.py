"""Salvage from a damaged archive: nothing unpacked is proven, but names are checked as strictly as ever."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlitevault.archive.gzip_stream import GzipStream
from sqlitevault.archive.intake import Intake, new_folder
from sqlitevault.archive.legacy import legacy_limit
from sqlitevault.archive.members import MANIFEST
from sqlitevault.archive.tar_stream import entries
from sqlitevault.catalog.manifest import Manifest
from sqlitevault.ground.errors import ArchiveUnsafe, ChecksumMismatch, ManifestInvalid

_STEP = 4096  # bytes unpacked at a time: at the damage, this much is lost together


@dataclass(frozen=True, slots=True)
class Readable:
    """The readable part: `folder` is the top folder, None if not even that was found; `problem` is why reading ended.

    The last member may be cut off, and any member may hold data that was never backed up.
    """

    folder: Path | None
    manifest: Manifest | None
    problem: str | None


def unpack_readable(archive: Path, into: Path, wanted: Callable[[str], bool]) -> Readable:
    """Unpack the wanted members up to the first damage into `into`, which must be new or empty.

    Raises:
        ScratchFull: the disk is too small.
        TargetExists: `into` is not empty.
    """
    problem = None
    with archive.open("rb") as source, new_folder(into) as folder:
        limit = legacy_limit(archive.stat().st_size)
        intake = Intake(folder, lambda path: path == MANIFEST or wanted(path), limit)
        try:
            for entry in entries(GzipStream(source, step=_STEP)):
                path = intake.accept(entry)
                if not entry.is_folder:
                    intake.receive(path, entry)
        except (ArchiveUnsafe, ChecksumMismatch) as error:
            problem = str(error)
    top = into / intake.top if intake.top and (into / intake.top).is_dir() else None
    return Readable(top, _manifest(top), problem)


def _manifest(top: Path | None) -> Manifest | None:
    if top is None or not (top / MANIFEST).exists():
        return None
    try:
        return Manifest.from_json((top / MANIFEST).read_bytes())
    except ManifestInvalid:
        return None
