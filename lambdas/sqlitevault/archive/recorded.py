"""Archives of format 1: the manifest comes first, so every byte after it is known in advance."""

from collections.abc import Iterator

from sqlitevault.archive.intake import Intake
from sqlitevault.archive.members import CHECKSUMS, MANIFEST, described, render_checksums, require_safe_path
from sqlitevault.archive.refusals import CHANGED, damaged, shown, unsafe
from sqlitevault.archive.tar_stream import Entry
from sqlitevault.catalog.manifest import File, Manifest
from sqlitevault.ground.errors import ArchiveUnsafe, ManifestInvalid


def read_recorded(content: bytes, arriving: Iterator[Entry], intake: Intake, expected: Manifest | None) -> Manifest:
    """Receive everything after MANIFEST.json, whose `content` is given, and compare it with that manifest.

    Raises:
        ManifestInvalid: it is malformed, of a newer format, of another archive, or not the `expected` one.
        ArchiveUnsafe: a member is not recorded or longer than recorded.
        ChecksumMismatch: a member is missing, shorter or different.
        ScratchFull: the wanted members do not fit on the disk.
    """
    manifest = Manifest.from_json(content)
    recorded = _recorded(manifest, content)
    require_agreement(manifest, intake.top, expected)
    _require_allowed(manifest, intake)
    intake.require_room(iter(recorded.values()))
    for entry in arriving:
        _receive(entry, intake, recorded)
    missing = recorded.keys() - intake.files.keys()
    if missing:
        raise damaged(f"the archive lacks {len(missing)} recorded members, such as {shown(min(missing))}")
    return manifest


def require_agreement(manifest: Manifest, top: str, expected: Manifest | None) -> None:
    """Compare the archive's own manifest with its top folder and with the manifest beside the archive.

    Raises:
        ManifestInvalid: they do not belong to the same backup.
    """
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


def _require_allowed(manifest: Manifest, intake: Intake) -> None:
    total = sum(file.bytes for file in manifest.files)
    if intake.max_bytes is not None and total > intake.max_bytes:
        raise ArchiveUnsafe(
            f"the archive unpacks to {total:,} bytes; {intake.max_bytes:,} are allowed",
            hint="Allow more if you trust the origin of this archive.",
        )


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
