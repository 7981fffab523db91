"""Tests of unpacking: genuine archives unpack completely; anything else is refused and leaves no files behind."""

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlitevault.archive import limits
from sqlitevault.archive.members import require_safe_path
from sqlitevault.archive.unpacking import read_manifest, unpack
from sqlitevault.catalog.manifest import File
from sqlitevault.ground.errors import (
    ArchiveUnsafe,
    BackupNotFound,
    ChecksumMismatch,
    ManifestInvalid,
    ScratchFull,
    SqliteVaultError,
    TargetExists,
)
from tests.archives import (
    BACKUP_ID,
    CONTENT,
    Backup,
    backup_in,
    crafted,
    entry,
    file_of,
    genuine_entries,
    head,
    manifest_of,
    tar_of,
)
from tests.unpacking import DATABASE, SMALL, contents, refused


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """A genuine backup."""
    return backup_in(tmp_path_factory.mktemp("backup"))


def test_everything_is_unpacked_unchanged(backup: Backup, tmp_path: Path) -> None:
    """Each member is unchanged, and the manifest and the checksums are written too."""
    unpacked = unpack(backup.archive, tmp_path / "into", expected=backup.manifest)
    found = contents(unpacked.folder)
    assert {path: found[path] for path in CONTENT} == CONTENT
    assert found.keys() - CONTENT.keys() == {"MANIFEST.json", "checksums.sha256"}
    assert unpacked.folder == tmp_path / "into" / BACKUP_ID
    assert unpacked.manifest == backup.manifest


def test_without_an_external_manifest_the_one_inside_counts(backup: Backup, tmp_path: Path) -> None:
    """Without the vault's manifest, an archive is checked against the manifest inside it."""
    unpacked = unpack(backup.archive, tmp_path / "into")
    assert unpacked.manifest == backup.manifest.model_copy(update={"archive": None})


def test_files_are_private(backup: Backup, tmp_path: Path) -> None:
    """Unpacked files are readable only by their owner, whatever modes the archive has."""
    folder = unpack(backup.archive, tmp_path / "into").folder
    assert {path.stat().st_mode & 0o7777 for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o7777 for path in folder.rglob("*") if path.is_dir()} == {0o700}


def test_only_wanted_members_are_written(backup: Backup, tmp_path: Path) -> None:
    """Only the wanted members are written, so a database-only restore writes no configuration."""
    folder = unpack(backup.archive, tmp_path / "into", wanted=lambda path: path.endswith(".db")).folder
    assert contents(folder) == {"devops_hub.db": CONTENT["devops_hub.db"]}


def test_unwanted_members_are_still_proven(tmp_path: Path) -> None:
    """Damage in the dump is detected even if only the database is wanted."""
    wrong = {**SMALL, "config/alembic.ini": b"[ALEMBIC]\n"}
    archive = crafted(tmp_path, head(SMALL), *(entry(path, data) for path, data in wrong.items()))
    refused(archive, tmp_path, ChecksumMismatch, wanted=lambda path: path.endswith(".db"))


def test_progress_counts_the_archives_bytes(backup: Backup, tmp_path: Path) -> None:
    """Progress adds up to exactly the archive's size."""
    counted: list[int] = []
    unpack(backup.archive, tmp_path / "into", on_bytes=counted.append)
    assert sum(counted) == backup.archive.stat().st_size


def test_a_folder_with_files_is_refused(backup: Backup, tmp_path: Path) -> None:
    """A folder that contains files is refused and not changed."""
    (tmp_path / "precious").write_bytes(b"x")
    with pytest.raises(TargetExists):
        unpack(backup.archive, tmp_path)
    assert contents(tmp_path) == {"precious": b"x"}


def test_a_link_in_place_of_the_folder_is_not_followed(backup: Backup, tmp_path: Path) -> None:
    """A symbolic link in place of the folder is refused."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "into").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TargetExists):
        unpack(backup.archive, tmp_path / "into")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_new_folder_is_removed_after_an_error(tmp_path: Path) -> None:
    """After an error the folder that unpacking created is removed."""
    archive = crafted(tmp_path, genuine_entries(SMALL), entry("extra"))
    with pytest.raises(ArchiveUnsafe):
        unpack(archive, tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_a_missing_archive_is_not_found(tmp_path: Path) -> None:
    """A missing archive raises BackupNotFound, not an error about damage."""
    refused(tmp_path / "none.tar.gz", tmp_path, BackupNotFound)


def test_a_folder_is_not_an_archive(tmp_path: Path) -> None:
    """A folder given instead of an archive is refused with a hint."""
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", tmp_path, ArchiveUnsafe)


NOT_ARCHIVES: dict[str, tuple[bytes, type[SqliteVaultError]]] = {
    "an empty file": (b"", ArchiveUnsafe),
    "one byte": (b"\x1f", ChecksumMismatch),
    "text": (b"hello, world\n" * 100, ArchiveUnsafe),
    "a SQLite database": (b"SQLite format 3\0" + b"\0" * 4000, ArchiveUnsafe),
    "a zip": (b"PK\x03\x04" + b"\0" * 100, ArchiveUnsafe),
    "gzip of text": (gzip.compress(b"hello, world\n" * 100), ArchiveUnsafe),
    "gzip of nothing": (gzip.compress(b""), ChecksumMismatch),
    "gzip of less than a block": (gzip.compress(b"x" * 100), ChecksumMismatch),
    "an empty tar": (gzip.compress(b"\0" * 10240), ArchiveUnsafe),
    "an uncompressed tar": (DATABASE + b"\0" * 1024, ArchiveUnsafe),
    "reserved gzip flags": (b"\x1f\x8b\x08\x80" + gzip.compress(b"")[4:], ArchiveUnsafe),
    "a gzip header alone": (b"\x1f\x8b\x08\x00\0\0\0\0\0\xff", ChecksumMismatch),
}


@pytest.mark.parametrize("what", NOT_ARCHIVES)
def test_a_file_that_is_not_an_archive_is_refused(what: str, tmp_path: Path) -> None:
    """Any other file is refused with an error that fits it."""
    data, error = NOT_ARCHIVES[what]
    (tmp_path / "file").write_bytes(data)
    refused(tmp_path / "file", tmp_path, error)


def test_a_truncated_archive_is_refused_at_every_length(backup: Backup, tmp_path: Path) -> None:
    """A partial download never passes as a backup."""
    data = backup.archive.read_bytes()
    cut = tmp_path / "cut.tar.gz"
    for length in range(0, len(data), 7):
        cut.write_bytes(data[:length])
        with pytest.raises((ArchiveUnsafe, ChecksumMismatch)):
            unpack(cut, tmp_path / "into")
        assert not (tmp_path / "into").exists()


def test_a_flipped_bit_is_refused_in_every_byte(backup: Backup, tmp_path: Path) -> None:
    """With the vault's manifest, an archive that differs in one bit is never unpacked."""
    data = bytearray(backup.archive.read_bytes())
    flipped = tmp_path / "flipped.tar.gz"
    for at in range(len(data)):
        data[at] ^= 1 << (at % 8)
        flipped.write_bytes(data)
        data[at] ^= 1 << (at % 8)
        with pytest.raises(ChecksumMismatch):
            unpack(flipped, tmp_path / "into", expected=backup.manifest)
    assert list(tmp_path.iterdir()) == [flipped]


@pytest.mark.parametrize(
    "after",
    [b"x", b"\0", b"\0" * 4096, gzip.compress(b"more", mtime=0), gzip.compress(b"\0" * 512, mtime=0)],
    ids=["a byte", "a zero", "a page of zeros", "a second member", "a member of zeros"],
)
def test_data_after_the_end_is_refused(backup: Backup, tmp_path: Path, after: bytes) -> None:
    """Data after the end is refused, whether garbage or a second gzip member."""
    longer = tmp_path / "longer.tar.gz"
    longer.write_bytes(backup.archive.read_bytes() + after)
    refused(longer, tmp_path, ArchiveUnsafe)


def test_data_after_the_last_full_read_is_refused(tmp_path: Path) -> None:
    """Data after the end is found even if the archive ends exactly where a read ends."""
    content = {"devops_hub.db": os.urandom(limits.CHUNK)}
    archive = backup_in(tmp_path / "made", content).archive
    padding = 2 * limits.CHUNK - archive.stat().st_size
    fitting = backup_in(tmp_path / "fitting", {"devops_hub.db": content["devops_hub.db"] + os.urandom(padding)}).archive
    grown = tmp_path / "grown.tar.gz"
    grown.write_bytes(fitting.read_bytes() + b"x")
    refused(grown, tmp_path, ArchiveUnsafe)


def test_a_different_external_manifest_is_refused(tmp_path: Path) -> None:
    """The manifest in the vault and the one in the archive must be equal."""
    archive = crafted(tmp_path, genuine_entries(SMALL))
    other = read_manifest(archive).model_copy(update={"corrupt": ("page 7",)})
    refused(archive, tmp_path, ManifestInvalid, expected=other)


def test_damage_is_reported_as_damage(backup: Backup, tmp_path: Path) -> None:
    """If the checksum of the whole archive differs, that error is raised instead of one about the consequences."""
    other = crafted(tmp_path, head(CONTENT), entry("../outside", b"x"))
    error = refused(other, tmp_path, ChecksumMismatch, expected=backup.manifest)
    assert isinstance(error.__cause__, ArchiveUnsafe)


def test_an_attack_with_valid_checksums_is_unsafe(tmp_path: Path) -> None:
    """An unsafe archive is refused even if the vault recorded its checksum."""
    archive = crafted(tmp_path, genuine_entries(SMALL), entry("extra"))
    whole = file_of(archive.name, archive.read_bytes())
    record_of_it = manifest_of(
        [file_of(path, data) for path, data in SMALL.items()],
        archive={"name": archive.name, "bytes": whole.bytes, "sha256": whole.sha256},
    )
    refused(archive, tmp_path, ArchiveUnsafe, expected=record_of_it)


def test_a_repacked_archive_unpacks_only_without_an_external_manifest(backup: Backup, tmp_path: Path) -> None:
    """Without the vault's manifest only the content counts; with it, the archive's checksum counts too."""
    repacked = tmp_path / "repacked.tar.gz"
    repacked.write_bytes(gzip.compress(tar_of(backup.archive), 9))
    assert contents(unpack(repacked, tmp_path / "out").folder).items() >= CONTENT.items()
    refused(repacked, tmp_path, ChecksumMismatch, expected=backup.manifest)


def test_a_disk_that_is_too_small_is_reported_first(tmp_path: Path) -> None:
    """A disk that is too small is reported before anything is written, from the sizes in the manifest."""
    huge = [File(path="devops_hub.db", bytes=1 << 60, sha256="0" * 64)]
    archive = crafted(tmp_path, head({}, manifest_of(huge)), entry("devops_hub.db", size=1 << 60))
    error = refused(archive, tmp_path, ScratchFull)
    assert "are free" in str(error)


def test_only_the_wanted_members_need_room(tmp_path: Path) -> None:
    """Configuration can be restored without room for a huge database; the error here comes from missing members."""
    huge = [File(path="devops_hub.db", bytes=1 << 60, sha256="0" * 64)]
    archive = crafted(tmp_path, head({}, manifest_of(huge)))
    refused(archive, tmp_path, ChecksumMismatch, wanted=lambda path: path.startswith("config/"))


def test_reading_the_manifest_stops_after_it(tmp_path: Path) -> None:
    """The manifest can be read even if the rest of the archive is missing."""
    archive = crafted(tmp_path, head(SMALL))
    assert read_manifest(archive).backup_id == BACKUP_ID


PARTS = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=12)


@given(st.lists(PARTS, min_size=1, max_size=5).map("/".join))
def test_accepted_paths_stay_inside(path: str) -> None:
    """Every accepted name resolves to a path below the folder and is one line of plain text."""
    try:
        require_safe_path(path)
    except ArchiveUnsafe as error:
        assert str(error).isascii()
        assert str(error).isprintable()
        return
    root = Path("/into/backup")
    assert os.path.normpath(root / path) == f"{root}/{path}"
    assert "\\" not in path
    assert not any(ord(character) < 32 for character in path)


@given(st.text(st.sampled_from("abcdefghij.-_ äß漢"), min_size=1, max_size=40).filter(lambda n: n not in {".", ".."}))
def test_ordinary_names_are_accepted(name: str) -> None:
    """Letters of any script, spaces, dots and hyphens are accepted."""
    require_safe_path(f"config/k8s/{name}")
