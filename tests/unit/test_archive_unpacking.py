"""Unpacking: genuine archives come out whole; anything else is refused, and leaves nothing behind."""

import gzip
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlitevault.archive import limits, read_manifest, unpack
from sqlitevault.archive.members import require_safe_path
from sqlitevault.errors import (
    ArchiveUnsafe,
    BackupNotFound,
    ChecksumMismatch,
    ManifestInvalid,
    ScratchFull,
    SqliteVaultError,
    TargetExists,
)
from sqlitevault.manifest import File, NewerFormat
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
    raw_entry,
    tar_of,
)

SMALL = {"devops_hub.db": b"SQLite format 3\0" + b"x" * 600, "config/alembic.ini": b"[alembic]\n"}
DATABASE = entry("devops_hub.db", SMALL["devops_hub.db"])
CONFIG = entry("config/alembic.ini", SMALL["config/alembic.ini"])


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """A genuine backup."""
    return backup_in(tmp_path_factory.mktemp("backup"))


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive: Path, tmp_path: Path, error: type[SqliteVaultError], **options: object) -> SqliteVaultError:
    """Expect this very error, a hint, and an empty folder with nothing beside it."""
    into = tmp_path / "into"
    into.mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error) as caught:
        unpack(archive, into, **options)  # type: ignore[arg-type]
    assert type(caught.value) is error
    assert caught.value.hint
    assert sorted(tmp_path.rglob("*")) == before
    return caught.value


def test_everything_comes_out_as_it_went_in(backup: Backup, tmp_path: Path) -> None:
    """Each member has its bytes, and the two that describe them are there too."""
    unpacked = unpack(backup.archive, tmp_path / "into", expected=backup.manifest)
    found = tree(unpacked.folder)
    assert {path: found[path] for path in CONTENT} == CONTENT
    assert found.keys() - CONTENT.keys() == {"MANIFEST.json", "checksums.sha256"}
    assert (unpacked.folder, unpacked.legacy) == (tmp_path / "into" / BACKUP_ID, False)
    assert unpacked.manifest == backup.manifest


def test_without_a_manifest_beside_it_the_one_inside_counts(backup: Backup, tmp_path: Path) -> None:
    """An archive that somebody hands over proves itself."""
    unpacked = unpack(backup.archive, tmp_path / "into")
    assert unpacked.manifest == backup.manifest.model_copy(update={"archive": None})


def test_files_are_private(backup: Backup, tmp_path: Path) -> None:
    """A database belongs to its owner alone, whatever modes the archive has."""
    folder = unpack(backup.archive, tmp_path / "into").folder
    assert {path.stat().st_mode & 0o7777 for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o7777 for path in folder.rglob("*") if path.is_dir()} == {0o700}


def test_only_wanted_members_are_written(backup: Backup, tmp_path: Path) -> None:
    """A database-only restore does not spread configuration over the disk."""
    folder = unpack(backup.archive, tmp_path / "into", wanted=lambda path: path.endswith(".db")).folder
    assert tree(folder) == {"devops_hub.db": CONTENT["devops_hub.db"]}


def test_unwanted_members_are_still_proven(tmp_path: Path) -> None:
    """Damage in the dump is noticed although only the database is asked for."""
    wrong = {**SMALL, "config/alembic.ini": b"[ALEMBIC]\n"}
    archive = crafted(tmp_path, head(SMALL), *(entry(path, data) for path, data in wrong.items()))
    refused(archive, tmp_path, ChecksumMismatch, wanted=lambda path: path.endswith(".db"))


def test_progress_counts_the_archives_bytes(backup: Backup, tmp_path: Path) -> None:
    """A progress bar that is told the archive's size ends at exactly that."""
    heard: list[int] = []
    unpack(backup.archive, tmp_path / "into", on_bytes=heard.append)
    assert sum(heard) == backup.archive.stat().st_size


def test_a_folder_with_something_in_it_is_not_touched(backup: Backup, tmp_path: Path) -> None:
    """Unpacking never mixes with what is there."""
    (tmp_path / "precious").write_bytes(b"x")
    with pytest.raises(TargetExists):
        unpack(backup.archive, tmp_path)
    assert tree(tmp_path) == {"precious": b"x"}


def test_a_link_in_place_of_the_folder_is_not_followed(backup: Backup, tmp_path: Path) -> None:
    """Where it would lead to is none of our business."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "into").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TargetExists):
        unpack(backup.archive, tmp_path / "into")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_made_for_it_is_gone_after_an_error(tmp_path: Path) -> None:
    """After an error everything is as it was before."""
    archive = crafted(tmp_path, genuine_entries(SMALL), entry("extra"))
    with pytest.raises(ArchiveUnsafe):
        unpack(archive, tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_no_such_archive(tmp_path: Path) -> None:
    """A path that is wrong is told apart from an archive that is."""
    refused(tmp_path / "none.tar.gz", tmp_path, BackupNotFound)


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    """Giving the unpacked folder is an easy mistake."""
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
def test_what_is_no_archive_is_refused(what: str, tmp_path: Path) -> None:
    """Whatever file is given by mistake, the answer is clear."""
    data, error = NOT_ARCHIVES[what]
    (tmp_path / "file").write_bytes(data)
    refused(tmp_path / "file", tmp_path, error)


def test_a_truncated_archive_is_refused_at_each_length(backup: Backup, tmp_path: Path) -> None:
    """A download that broke off never passes for a backup."""
    data = backup.archive.read_bytes()
    cut = tmp_path / "cut.tar.gz"
    for length in range(0, len(data), 7):
        cut.write_bytes(data[:length])
        with pytest.raises((ArchiveUnsafe, ChecksumMismatch)):
            unpack(cut, tmp_path / "into")
        assert not (tmp_path / "into").exists()


def test_a_flipped_bit_is_refused_in_each_byte(backup: Backup, tmp_path: Path) -> None:
    """With its manifest at hand, an archive that differs in one bit is never unpacked."""
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
def test_what_follows_the_compressed_data_is_refused(backup: Backup, tmp_path: Path, after: bytes) -> None:
    """Nothing hides behind the end, be it garbage or a second gzip member."""
    longer = tmp_path / "longer.tar.gz"
    longer.write_bytes(backup.archive.read_bytes() + after)
    refused(longer, tmp_path, ArchiveUnsafe)


def test_what_follows_the_first_chunk_read_is_refused_too(tmp_path: Path) -> None:
    """An archive that ends exactly where a read ends is not excused from looking further."""
    content = {"devops_hub.db": os.urandom(limits.CHUNK)}
    archive = backup_in(tmp_path / "made", content).archive
    padding = 2 * limits.CHUNK - archive.stat().st_size
    fitting = backup_in(tmp_path / "fitting", {"devops_hub.db": content["devops_hub.db"] + os.urandom(padding)}).archive
    grown = tmp_path / "grown.tar.gz"
    grown.write_bytes(fitting.read_bytes() + b"x")
    refused(grown, tmp_path, ArchiveUnsafe)


def pax(records: bytes, name: str = "PaxHeader") -> bytes:
    """Return an extended header with these records."""
    return entry(name, records, kind=tarfile.XHDTYPE)


def record(key: str, value: str) -> bytes:
    """Return one pax record."""
    body = f" {key}={value}\n".encode()
    length = next(n for n in range(len(body), len(body) + 20) if n == len(body) + len(str(n)))
    return str(length).encode() + body


def odd(change: Callable[[tarfile.TarInfo], None], data: bytes = b"") -> bytes:
    """Return an entry whose header was changed."""
    info = tarfile.TarInfo(f"{BACKUP_ID}/odd")
    info.size = len(data)
    change(info)
    return raw_entry(info, data)


END_MARKS: dict[str, bytes] = {
    "no end mark": b"",
    "half an end mark": b"\0" * 512,
    "something after the end mark": b"\0" * 1024 + b"x" * 512,
    "a member after the end mark": b"\0" * 1024 + entry("late"),
    "one zero block, then a member": b"\0" * 512 + entry("late"),
    "an extended header without a member": pax(record("comment", "x")) + b"\0" * 1024,
    "far too much padding": b"\0" * (limits.PADDING + 1024 + 512),
}


@pytest.mark.parametrize("what", END_MARKS)
def test_an_archive_ends_where_it_says(what: str, tmp_path: Path) -> None:
    """A tar that breaks off between two members, or goes on after its end, is refused."""
    archive = crafted(tmp_path, genuine_entries(SMALL), end=END_MARKS[what])
    refused(archive, tmp_path, ChecksumMismatch if len(END_MARKS[what]) < 1024 else ArchiveUnsafe)


ATTACKS: dict[str, bytes] = {
    "parent": entry("../../evil"),
    "parent in the middle": entry("config/../../evil"),
    "absolute": entry("/tmp/evil"),
    "absolute below": entry("//tmp/evil"),
    "dot": entry("./devops_hub.db", SMALL["devops_hub.db"]),
    "double slash": entry("config//alembic.ini"),
    "backslash": entry("..\\evil"),
    "newline": entry("evil\nfile"),
    "escape": entry("evil\x1b[2J"),
    "bidirectional override": entry("evil\u202etxt"),
    "not UTF-8": entry("evil\udcff"),
    "long name": entry("n" * 256),
    "long path": entry("/".join(["n" * 50] * 30)[0:1400]),
    "symbolic link": entry("devops_hub.db", kind=tarfile.SYMTYPE, link="/etc/passwd"),
    "hard link": entry("devops_hub.db", kind=tarfile.LNKTYPE, link="/etc/passwd"),
    "character device": entry("devops_hub.db", kind=tarfile.CHRTYPE),
    "block device": entry("devops_hub.db", kind=tarfile.BLKTYPE),
    "named pipe": entry("devops_hub.db", kind=tarfile.FIFOTYPE),
    "sparse file": entry("devops_hub.db", kind=tarfile.GNUTYPE_SPARSE),
    "contiguous file": entry("devops_hub.db", kind=tarfile.CONTTYPE),
    "unknown kind": entry("devops_hub.db", kind=b"Z"),
    "long link": entry("devops_hub.db", b"/etc/passwd\0", kind=tarfile.GNUTYPE_LONGLINK),
    "volume header": entry("devops_hub.db", kind=b"V"),
    "folder": entry("config", kind=tarfile.DIRTYPE),
    "folder with content": entry("config", b"x", kind=tarfile.DIRTYPE),
    "duplicate": DATABASE + DATABASE,
    "duplicate manifest": entry("MANIFEST.json", b"{}"),
    "file as folder": DATABASE + entry("devops_hub.db/evil"),
    "not recorded": entry("evil"),
    "second top folder": raw_entry(tarfile.TarInfo("devops_hub_backup_20260131_030000/evil")),
    "file beside the folder": raw_entry(tarfile.TarInfo("evil")),
    "the folder as a file": raw_entry(tarfile.TarInfo(BACKUP_ID)),
    "longer than recorded": entry("devops_hub.db", SMALL["devops_hub.db"] + b"x"),
    "a bomb": entry("devops_hub.db", b"\0" * (20 << 20)),
    "a size of eight exabytes": entry("devops_hub.db", size=(1 << 63) - 1),
    "a negative size": odd(lambda info: setattr(info, "size", -512)),
    "pax path": pax(record("path", "../../evil")) + DATABASE,
    "pax absolute path": pax(record("path", "/tmp/evil")) + DATABASE,
    "pax link": pax(record("linkpath", "/etc/passwd")) + DATABASE,
    "pax sparse": pax(record("GNU.sparse.major", "1")) + DATABASE,
    "pax sparse name": pax(record("GNU.sparse.name", "../evil")) + DATABASE,
    "pax size": pax(record("size", "999999999999")) + DATABASE,
    "pax odd size": pax(record("size", "-1")) + DATABASE,
    "pax charset": pax(record("hdrcharset", "BINARY")) + DATABASE,
    "pax garbage": pax(b"\0" * 512) + DATABASE,
    "pax overlong record": pax(b"999 path=x\n") + DATABASE,
    "pax zero record": pax(b"0 path=x\n") + DATABASE,
    "pax huge": pax(record("comment", "x" * limits.EXTENDED_HEADER)) + DATABASE,
    "pax huge claim": entry("PaxHeader", kind=tarfile.XHDTYPE, size=1 << 40),
    "pax twice": pax(record("comment", "x")) * 2 + DATABASE,
    "pax global": entry("g", record("path", f"{BACKUP_ID}/x"), kind=tarfile.XGLTYPE) + DATABASE,
    "huge long name": entry("L", b"x" * (limits.EXTENDED_HEADER + 1), kind=tarfile.GNUTYPE_LONGNAME) + DATABASE,
    "long name with a way out": entry("L", b"../../evil\0", kind=tarfile.GNUTYPE_LONGNAME) + DATABASE,
    "bad header checksum": DATABASE[:148] + b"0000000" + DATABASE[155:],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused(attack: str, tmp_path: Path) -> None:
    """Nothing that could write elsewhere, or write more than recorded, gets past the first look."""
    archive = crafted(tmp_path, head(SMALL), ATTACKS[attack], CONFIG)
    refused(archive, tmp_path, ArchiveUnsafe)


@pytest.mark.parametrize("attack", [name for name in ATTACKS if "manifest" not in name])
def test_an_attack_in_front_of_the_manifest_is_refused(attack: str, tmp_path: Path) -> None:
    """The same before anything is known of the archive, where one of the original script is expected."""
    archive = crafted(tmp_path, ATTACKS[attack], head(SMALL))
    into = tmp_path / "into"
    with pytest.raises(SqliteVaultError) as caught:
        unpack(archive, into)
    assert caught.value.hint
    assert sorted(tmp_path.iterdir()) == [archive]


def test_many_entries_are_refused(tmp_path: Path) -> None:
    """An archive of a million empty files is an attack on patience."""
    folders = (entry(f"d{number}", kind=tarfile.DIRTYPE) for number in range(limits.ENTRIES + 1))
    refused(crafted(tmp_path, *folders), tmp_path, ArchiveUnsafe)


def test_harmless_extended_headers_are_accepted(tmp_path: Path) -> None:
    """An archive that was packed again by another tar, with times in pax records and long names, still restores."""
    long = "config/k8s/" + "n" * 120 + ".yaml"
    content = {**SMALL, long: b"kind: Namespace\n", "config/k8s/" + "m" * 120 + ".yaml": b"kind: Pod\n"}
    by_pax = record("mtime", "1769824800.5") + record("path", f"{BACKUP_ID}/{long}") + record("size", "16")
    archive = crafted(
        tmp_path,
        head(content),
        DATABASE,
        pax(record("mtime", "1769824800.5")) + CONFIG,
        pax(by_pax) + entry("short", content[long], size=0)[:512] + content[long] + b"\0" * 496,
        entry("config/k8s/" + "m" * 120 + ".yaml", b"kind: Pod\n"),
    )
    assert {
        path: data for path, data in tree(unpack(archive, tmp_path / "into").folder).items() if path in content
    } == (content)


def test_a_missing_member_is_refused(tmp_path: Path) -> None:
    """An archive that lost a file is not restored in part."""
    error = refused(crafted(tmp_path, head(SMALL), DATABASE), tmp_path, ChecksumMismatch)
    assert "config/alembic.ini" in str(error)


def test_a_shorter_member_is_refused(tmp_path: Path) -> None:
    """Nor is one whose file lost its end."""
    archive = crafted(tmp_path, head(SMALL), entry("devops_hub.db", SMALL["devops_hub.db"][:-1]), CONFIG)
    refused(archive, tmp_path, ChecksumMismatch)


def test_a_changed_member_is_refused(tmp_path: Path) -> None:
    """A repaired gzip checksum does not help: each member has its own."""
    archive = crafted(tmp_path, head(SMALL), entry("devops_hub.db", SMALL["devops_hub.db"][::-1]), CONFIG)
    refused(archive, tmp_path, ChecksumMismatch)


def test_a_changed_checksum_list_is_refused(tmp_path: Path) -> None:
    """`checksums.sha256` says what the manifest says, or somebody changed one of them."""
    tar = genuine_entries(SMALL)
    at = tar.index(b"  devops_hub.db")
    changed = tar[: at - 64] + b"0" * 64 + tar[at:]
    refused(crafted(tmp_path, changed), tmp_path, ChecksumMismatch)


def manifest_attack(**changes: object) -> bytes:
    """Return a whole tar whose manifest was changed consistently."""
    changed = manifest_of((file_of(path, data) for path, data in SMALL.items()), **changes)
    return head(SMALL, changed) + DATABASE + CONFIG


def test_a_manifest_of_another_backup_is_refused(tmp_path: Path) -> None:
    """The folder's name and the manifest's must be one."""
    tar = manifest_attack(backup_id="devops_hub_backup_20260131_030000")
    refused(crafted(tmp_path, tar), tmp_path, ManifestInvalid)


def test_a_manifest_that_records_a_member_twice_is_refused(tmp_path: Path) -> None:
    """Two checksums for one name leave open which one counts."""
    twice = [file_of("devops_hub.db", b"x"), file_of("devops_hub.db", b"y")]
    refused(crafted(tmp_path, manifest_attack(files=twice)), tmp_path, ManifestInvalid)


def test_a_manifest_that_records_a_way_out_is_refused(tmp_path: Path) -> None:
    """A recorded name is judged like any other."""
    files = [file_of(path, data) for path, data in SMALL.items()] + [file_of("../evil", b"x")]
    refused(crafted(tmp_path, manifest_attack(files=files)), tmp_path, ArchiveUnsafe)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """An old version says that it is old."""
    newer = head(SMALL).replace(b'"format": 1', b'"format": 7')
    error = refused(crafted(tmp_path, newer, DATABASE, CONFIG), tmp_path, NewerFormat)
    assert "newer" in error.hint


@pytest.mark.parametrize("manifest", [b"", b"{}", b"not json", b"[" * 100_000, b'{"format": 1}', b"\xff"])
def test_a_malformed_manifest_is_refused(manifest: bytes, tmp_path: Path) -> None:
    """Whatever stands in MANIFEST.json, the answer is that it is not valid."""
    refused(crafted(tmp_path, entry("MANIFEST.json", manifest), DATABASE), tmp_path, ManifestInvalid)


def test_a_huge_manifest_is_refused(tmp_path: Path) -> None:
    """It is held in memory, so its size is bound."""
    manifest = entry("MANIFEST.json", b" " * (limits.SMALL_MEMBER + 1))
    refused(crafted(tmp_path, manifest), tmp_path, ArchiveUnsafe)


def test_a_manifest_of_millions_of_wrong_entries_takes_no_memory(tmp_path: Path) -> None:
    """Its first fault is enough: describing each of them took gigabytes."""
    entries = b",".join([b"{}"] * 5_000_000)
    manifest = entry("MANIFEST.json", b'{"format": 1, "tables": [' + entries + b'], "files": []}')
    refused(crafted(tmp_path, manifest), tmp_path, ManifestInvalid)


def test_another_manifest_beside_the_archive_is_refused(tmp_path: Path) -> None:
    """What the vault recorded and what the archive says must agree in everything."""
    archive = crafted(tmp_path, genuine_entries(SMALL))
    other = read_manifest(archive).model_copy(update={"corrupt": ("page 7",)})
    refused(archive, tmp_path, ManifestInvalid, expected=other)


def test_damage_is_called_damage(backup: Backup, tmp_path: Path) -> None:
    """When the archive as a whole has another checksum, that is the message, not what it led to."""
    other = crafted(tmp_path, head(CONTENT), ATTACKS["parent"])
    error = refused(other, tmp_path, ChecksumMismatch, expected=backup.manifest)
    assert isinstance(error.__cause__, ArchiveUnsafe)


def test_an_attack_that_keeps_all_checksums_is_called_unsafe(tmp_path: Path) -> None:
    """A vault that recorded an unsafe archive does not make it safe."""
    archive = crafted(tmp_path, genuine_entries(SMALL), entry("extra"))
    whole = file_of(archive.name, archive.read_bytes())
    record_of_it = manifest_of(
        [file_of(path, data) for path, data in SMALL.items()],
        archive={"name": archive.name, "bytes": whole.bytes, "sha256": whole.sha256},
    )
    refused(archive, tmp_path, ArchiveUnsafe, expected=record_of_it)


def test_the_same_content_in_another_packing_needs_no_manifest(backup: Backup, tmp_path: Path) -> None:
    """Without a manifest beside it, only content counts; with one, the archive's own checksum does too."""
    repacked = tmp_path / "repacked.tar.gz"
    repacked.write_bytes(gzip.compress(tar_of(backup.archive), 9))
    assert tree(unpack(repacked, tmp_path / "out").folder).items() >= CONTENT.items()
    refused(repacked, tmp_path, ChecksumMismatch, expected=backup.manifest)


def test_more_than_allowed_is_refused(backup: Backup, tmp_path: Path) -> None:
    """Who unpacks can set a bound of their own."""
    refused(backup.archive, tmp_path, ArchiveUnsafe, max_bytes=1000)
    unpack(backup.archive, tmp_path / "enough", max_bytes=sum(map(len, CONTENT.values())) + 10_000)


def test_too_small_a_disk_is_noticed_before_anything_is_written(tmp_path: Path) -> None:
    """The manifest tells the size, so nobody waits for a disk to fill up."""
    huge = [File(path="devops_hub.db", bytes=1 << 60, sha256="0" * 64)]
    archive = crafted(tmp_path, head({}, manifest_of(huge)), entry("devops_hub.db", size=1 << 60))
    error = refused(archive, tmp_path, ScratchFull)
    assert "are free" in str(error)


def test_room_is_asked_only_for_what_is_wanted(tmp_path: Path) -> None:
    """A huge database does not keep its configuration from being restored; the error comes from what is missing."""
    huge = [File(path="devops_hub.db", bytes=1 << 60, sha256="0" * 64)]
    archive = crafted(tmp_path, head({}, manifest_of(huge)))
    refused(archive, tmp_path, ChecksumMismatch, wanted=lambda path: path.startswith("config/"))


def test_reading_the_manifest_reads_no_further(tmp_path: Path) -> None:
    """Listing backups stays quick: the rest of the archive is not even there."""
    archive = crafted(tmp_path, head(SMALL))
    assert read_manifest(archive).backup_id == BACKUP_ID


PARTS = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=12)


@given(st.lists(PARTS, min_size=1, max_size=5).map("/".join))
def test_a_path_is_accepted_only_if_it_stays_inside(path: str) -> None:
    """Whatever the name, what is accepted resolves to below the folder, as one line of plain text."""
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
    """Letters of any script, spaces, dots and hyphens are fine."""
    require_safe_path(f"config/k8s/{name}")
