"""Tests of packing: the result is an archive of format 1 that ordinary tools can read."""

import errno
import subprocess
import tarfile
from pathlib import Path

import pytest

from sqlitevault.archive import writing as writing_module
from sqlitevault.archive.gzip_stream import GzipStream
from sqlitevault.archive.members import Member, describe
from sqlitevault.archive.tar_stream import entries
from sqlitevault.archive.unpacking import read_manifest, unpack
from sqlitevault.archive.writing import write_archive
from sqlitevault.catalog.manifest import Archive
from sqlitevault.ground.errors import ArchiveUnsafe, ChecksumMismatch, ManifestInvalid, ScratchFull
from tests.archives import BACKUP_ID, CONTENT, backup_in, crafted, file_of, manifest_of, members_in, names_in

_GZIP_HEADER = 10


def test_members_come_in_the_order_of_the_format(tmp_path: Path) -> None:
    """The manifest comes first because readers rely on it, and small files come before the database."""
    shuffled = dict(sorted(CONTENT.items(), reverse=True))
    backup = backup_in(tmp_path, shuffled)
    assert names_in(backup.archive) == [
        f"{BACKUP_ID}/{path}" for path in ("MANIFEST.json", "checksums.sha256", *CONTENT)
    ]


def test_ordinary_tools_unpack_and_check_an_archive(tmp_path: Path) -> None:
    """The guide's commands `tar xzf` and `sha256sum -c` work without sqlitevault."""
    backup = backup_in(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "xzf", backup.archive, "-C", out], check=True)
    checked = subprocess.run(
        ["sha256sum", "-c", "checksums.sha256"], cwd=out / BACKUP_ID, check=True, capture_output=True, text=True
    )
    assert checked.stdout.count(": OK") == len(CONTENT) + 1
    assert {path: (out / BACKUP_ID / path).read_bytes() for path in CONTENT} == CONTENT


def test_the_manifest_inside_lacks_only_the_archive(tmp_path: Path) -> None:
    """The manifest inside an archive lacks only the archive's own checksum."""
    backup = backup_in(tmp_path)
    assert read_manifest(backup.archive) == backup.manifest.model_copy(update={"archive": None})


def test_the_archive_s_size_and_checksum_are_recorded(tmp_path: Path) -> None:
    """The size and checksum computed while writing match the file."""
    backup = backup_in(tmp_path)
    found = file_of("x", backup.archive.read_bytes())
    assert backup.manifest.archive == Archive(name=f"{BACKUP_ID}.tar.gz", bytes=found.bytes, sha256=found.sha256)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock, the user, the files' times and the number of threads do not affect an archive."""
    content = CONTENT | {"devops_hub.db": b"SQLite format 3\0" + bytes(range(251)) * 20_000}
    first = backup_in(tmp_path / "first", content)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    second = backup_in(tmp_path / "second", content)
    assert first.archive.read_bytes() == second.archive.read_bytes()


def test_owners_and_times_are_neutral(tmp_path: Path) -> None:
    """The header of each member has no owner and the backup's own time."""
    backup = backup_in(tmp_path)
    with tarfile.open(backup.archive) as tar:
        infos = tar.getmembers()
    assert {(i.uid, i.gid, i.uname, i.gname, i.mtime) for i in infos} == {(0, 0, "", "", 1769824800)}
    assert {i.mode for i in infos} == {0o644, 0o600}


def test_a_member_of_more_than_eight_gibibytes_fits(tmp_path: Path) -> None:
    """A member above the classic tar header's limit of 8 GiB is written and read."""
    size = 9 << 30
    archive = crafted(tmp_path, writing_module._header(manifest_of([]), "devops_hub.db", size, 0o600), end=b"")
    with archive.open("rb") as source:
        first = next(entries(GzipStream(source)))
    assert (first.path, first.size) == (f"{BACKUP_ID}/devops_hub.db", size)


def test_an_empty_member_is_kept(tmp_path: Path) -> None:
    """An empty file is packed and unpacked."""
    backup = backup_in(tmp_path, {"config/alembic.ini": b""})
    unpacked = unpack(backup.archive, tmp_path / "out", expected=backup.manifest)
    assert (unpacked.folder / "config/alembic.ini").read_bytes() == b""


@pytest.mark.parametrize("now", [b"SQLite format 3\0shorter", b"x" * 20_000, CONTENT["devops_hub.db"][::-1]])
def test_a_member_that_changed_since_it_was_described_is_refused(tmp_path: Path, now: bytes) -> None:
    """A member that changed after it was described is not packed."""
    members = members_in(tmp_path / "members", CONTENT)
    manifest = manifest_of(describe(members))
    (tmp_path / "members/devops_hub.db").write_bytes(now)
    with pytest.raises(ChecksumMismatch, match=r"devops_hub\.db changed"):
        write_archive(manifest, members, tmp_path / "out.tar.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["members"]


def test_a_manifest_of_other_members_is_refused(tmp_path: Path) -> None:
    """A manifest that lacks a member is refused, because that file would not be restored."""
    members = members_in(tmp_path / "members", CONTENT)
    with pytest.raises(ManifestInvalid):
        write_archive(manifest_of(describe(members[1:])), members, tmp_path / "out.tar.gz")


def test_a_path_that_could_not_be_unpacked_is_refused(tmp_path: Path) -> None:
    """A path that the reader would refuse is never packed."""
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(ArchiveUnsafe):
        describe([Member("../file", tmp_path / "file")])


def test_a_full_disk_is_reported_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk raises ScratchFull, even in a compressing thread, and the unfinished file is removed."""

    def full(_self: object, data: bytes) -> int:
        if len(data) <= _GZIP_HEADER:  # remains in the file's buffer
            return len(data)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing_module._Packed, "write", full)
    with pytest.raises(ScratchFull):
        backup_in(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["members"]


def test_progress_counts_every_byte_of_the_members(tmp_path: Path) -> None:
    """Progress adds up to exactly the members' size."""
    members = members_in(tmp_path / "members", CONTENT)
    manifest = manifest_of(describe(members))
    counted: list[int] = []
    write_archive(manifest, members, tmp_path / "out.tar.gz", on_bytes=counted.append)
    assert sum(counted) == sum(map(len, CONTENT.values()))
