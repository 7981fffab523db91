"""Tests of hostile archives: unpacking refuses them and leaves no files behind."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sqlitevault.archive import limits
from sqlitevault.archive.unpacking import unpack
from sqlitevault.ground.errors import (
    ArchiveUnsafe,
    ChecksumMismatch,
    ManifestInvalid,
    NewerFormat,
    SqliteVaultError,
)
from tests.archives import (
    BACKUP_ID,
    crafted,
    entry,
    file_of,
    genuine_entries,
    head,
    manifest_of,
    raw_entry,
)
from tests.unpacking import CONFIG, DATABASE, SMALL, contents, refused


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
def test_a_tar_with_a_wrong_end_is_refused(what: str, tmp_path: Path) -> None:
    """A tar that ends too early or continues after its end mark is refused."""
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
    """An entry that would write elsewhere, or more than is recorded, is refused before anything is written."""
    archive = crafted(tmp_path, head(SMALL), ATTACKS[attack], CONFIG)
    refused(archive, tmp_path, ArchiveUnsafe)


@pytest.mark.parametrize("attack", [name for name in ATTACKS if "manifest" not in name])
def test_an_attack_before_the_manifest_is_refused(attack: str, tmp_path: Path) -> None:
    """The same attacks are refused before the manifest, where an archive of the original script is expected."""
    archive = crafted(tmp_path, ATTACKS[attack], head(SMALL))
    into = tmp_path / "into"
    with pytest.raises(SqliteVaultError) as caught:
        unpack(archive, into)
    assert caught.value.hint
    assert sorted(tmp_path.iterdir()) == [archive]


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    """An archive with too many empty entries is refused, because reading them would take too long."""
    folders = (entry(f"d{number}", kind=tarfile.DIRTYPE) for number in range(limits.ENTRIES + 1))
    refused(crafted(tmp_path, *folders), tmp_path, ArchiveUnsafe)


def test_harmless_extended_headers_are_accepted(tmp_path: Path) -> None:
    """An archive repacked by another tar, with times in pax records and long names, can be restored."""
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
        path: data for path, data in contents(unpack(archive, tmp_path / "into").folder).items() if path in content
    } == (content)


def test_a_missing_member_is_refused(tmp_path: Path) -> None:
    """An archive with a missing file is not restored in part."""
    error = refused(crafted(tmp_path, head(SMALL), DATABASE), tmp_path, ChecksumMismatch)
    assert "config/alembic.ini" in str(error)


def test_a_shorter_member_is_refused(tmp_path: Path) -> None:
    """An archive with a truncated member is not restored in part."""
    archive = crafted(tmp_path, head(SMALL), entry("devops_hub.db", SMALL["devops_hub.db"][:-1]), CONFIG)
    refused(archive, tmp_path, ChecksumMismatch)


def test_a_changed_member_is_refused(tmp_path: Path) -> None:
    """A changed member is refused by its own checksum, even if the gzip checksum was repaired."""
    archive = crafted(tmp_path, head(SMALL), entry("devops_hub.db", SMALL["devops_hub.db"][::-1]), CONFIG)
    refused(archive, tmp_path, ChecksumMismatch)


def test_a_changed_checksum_list_is_refused(tmp_path: Path) -> None:
    """A `checksums.sha256` that differs from the manifest is refused."""
    tar = genuine_entries(SMALL)
    at = tar.index(b"  devops_hub.db")
    changed = tar[: at - 64] + b"0" * 64 + tar[at:]
    refused(crafted(tmp_path, changed), tmp_path, ChecksumMismatch)


def manifest_attack(**changes: object) -> bytes:
    """Return a whole tar with a consistently changed manifest."""
    changed = manifest_of((file_of(path, data) for path, data in SMALL.items()), **changes)
    return head(SMALL, changed) + DATABASE + CONFIG


def test_a_manifest_of_another_backup_is_refused(tmp_path: Path) -> None:
    """A manifest whose id differs from the name of the top folder is refused."""
    tar = manifest_attack(backup_id="devops_hub_backup_20260131_030000")
    refused(crafted(tmp_path, tar), tmp_path, ManifestInvalid)


def test_a_manifest_that_records_a_member_twice_is_refused(tmp_path: Path) -> None:
    """A manifest with two checksums for one name is refused."""
    twice = [file_of("devops_hub.db", b"x"), file_of("devops_hub.db", b"y")]
    refused(crafted(tmp_path, manifest_attack(files=twice)), tmp_path, ManifestInvalid)


def test_a_manifest_with_a_name_outside_the_folder_is_refused(tmp_path: Path) -> None:
    """Names in the manifest are checked like names in the tar."""
    files = [file_of(path, data) for path, data in SMALL.items()] + [file_of("../evil", b"x")]
    refused(crafted(tmp_path, manifest_attack(files=files)), tmp_path, ArchiveUnsafe)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """The error for a newer format asks for a newer version of the tool."""
    newer = head(SMALL).replace(b'"format": 1', b'"format": 7')
    error = refused(crafted(tmp_path, newer, DATABASE, CONFIG), tmp_path, NewerFormat)
    assert "newer" in error.hint


@pytest.mark.parametrize("manifest", [b"", b"{}", b"not json", b"[" * 100_000, b'{"format": 1}', b"\xff"])
def test_a_malformed_manifest_is_refused(manifest: bytes, tmp_path: Path) -> None:
    """Any other content of MANIFEST.json raises ManifestInvalid."""
    refused(crafted(tmp_path, entry("MANIFEST.json", manifest), DATABASE), tmp_path, ManifestInvalid)


def test_a_huge_manifest_is_refused(tmp_path: Path) -> None:
    """A manifest above the size limit is refused, because it is held in memory."""
    manifest = entry("MANIFEST.json", b" " * (limits.SMALL_MEMBER + 1))
    refused(crafted(tmp_path, manifest), tmp_path, ArchiveUnsafe)


def test_only_the_first_fault_of_a_manifest_is_reported(tmp_path: Path) -> None:
    """Only the first fault is reported, because describing millions of them took gigabytes of memory."""
    entries = b",".join([b"{}"] * 5_000_000)
    manifest = entry("MANIFEST.json", b'{"format": 1, "tables": [' + entries + b'], "files": []}')
    refused(crafted(tmp_path, manifest), tmp_path, ManifestInvalid)
