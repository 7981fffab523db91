"""Tests of archives of the original `backup.sh`: the same rules apply, with one exception."""

import gzip
import hashlib
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from sqlitevault.archive import legacy, limits
from sqlitevault.archive.unpacking import read_manifest, unpack
from sqlitevault.catalog.manifest import Scope
from sqlitevault.ground.errors import (
    ArchiveUnsafe,
    ChecksumMismatch,
    IntegrityCheckFailed,
    ManifestInvalid,
    SqliteVaultError,
)
from sqlitevault.ground.facts import Tier
from tests.archives import BACKUP_ID, LEGACY, crafted, entry, raw_entry, tar_of

DATABASE = b"SQLite format 3\0\x10\x00\x01\x01\x00\x40\x20\x20" + bytes(4) + (1).to_bytes(4, "big") + bytes(4068)
CONTENT = {
    "devops_hub.sql": b"BEGIN;\nCOMMIT;\n",
    "config/nginx.conf": b"server {}\n",
    "db_stats.txt": b"Database Statistics:\nagents: 13\nnames: with colon: 2\n",
    "devops_hub.db": DATABASE,
}
ORIGINAL = {
    "backup_name": BACKUP_ID,
    "timestamp": "2026-01-31T02:00:00+00:00",
    "hostname": "vm",
    "database_path": "data/devops_hub.db",
    "contents": {"database": True, "config": True, "api_keys_metadata": False},
    "checksums": {},
}


def made(tmp_path: Path, **changes: bytes | None) -> Path:
    """Pack an archive as the original script does, with some members changed after listing, or left out."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  ./{path}" for path, data in CONTENT.items()]
    lines.insert(2, f"{'7' * 64}  ./checksums.sha256")
    listed = {
        **CONTENT,
        "checksums.sha256": ("\n".join(lines) + "\n").encode(),
        "MANIFEST.json": json.dumps(ORIGINAL, indent=4).encode(),
        **changes,
    }
    folders = [tarfile.TarInfo(BACKUP_ID), tarfile.TarInfo(f"{BACKUP_ID}/config")]
    for folder in folders:
        folder.type = tarfile.DIRTYPE
    files = (entry(path, data) for path, data in listed.items() if data is not None)
    return crafted(tmp_path, *map(raw_entry, folders), *files)


def refused(archive: Path, tmp_path: Path, error: type[SqliteVaultError]) -> None:
    """Expect this error from unpacking and from reading the manifest, and no files left behind."""
    with pytest.raises(error) as caught:
        unpack(archive, tmp_path / "into")
    assert caught.value.hint
    assert not (tmp_path / "into").exists()
    with pytest.raises(error):
        read_manifest(archive)


def test_a_genuine_archive_unpacks_as_with_tar(tmp_path: Path) -> None:
    """An archive that the script made on a real machine unpacks to the same files as with tar."""
    (tmp_path / "by_tar").mkdir()
    subprocess.run(["tar", "xzf", LEGACY, "-C", tmp_path / "by_tar"], check=True)
    unpacked = unpack(LEGACY, tmp_path / "into")
    assert unpacked.manifest.tool.name == "backup.sh"
    by_tar = tmp_path / "by_tar" / unpacked.folder.name
    files = {path.relative_to(by_tar) for path in by_tar.rglob("*") if path.is_file()}
    assert len(files) == 13
    assert all((by_tar / path).read_bytes() == (unpacked.folder / path).read_bytes() for path in files)


def test_a_genuine_archive_is_translated_to_format_1() -> None:
    """The manifest is translated to format 1, so lists and restores handle only one format."""
    manifest = read_manifest(LEGACY)
    assert (manifest.format, manifest.backup_id) == (1, "devops_hub_backup_20261123_074934")
    assert (manifest.tier, manifest.scope) == (Tier.MANUAL, Scope.ALL)
    assert manifest.created_at.isoformat() == "2026-11-23T07:49:34+00:00"
    assert (manifest.source.name, manifest.source.path, manifest.source.host) == (
        "devops_hub",
        "data/devops_hub.db",
        "vm",
    )
    assert {table.name: (table.rows, table.digest) for table in manifest.tables} == {
        "agents": (13, None),
        "workflows": (5, None),
        "api_keys": (3, None),
        "events": (4000, None),
    }
    assert manifest.database is not None
    assert (manifest.database.bytes, manifest.database.page_size) == (1290240, 4096)
    assert manifest.tool.name == "backup.sh"
    assert len(manifest.files) == 11
    assert not {file.path for file in manifest.files} & {"MANIFEST.json", "checksums.sha256"}


def test_the_translation_is_reproducible(tmp_path: Path) -> None:
    """The translated manifest is the same each time, so it can be compared with the archive later."""
    manifest = read_manifest(LEGACY)
    assert unpack(LEGACY, tmp_path / "into", expected=manifest).manifest == manifest
    other = manifest.model_copy(update={"tables": manifest.tables[1:]})
    with pytest.raises(ManifestInvalid):
        unpack(LEGACY, tmp_path / "other", expected=other)


@pytest.mark.parametrize("first", [True, False])
def test_the_manifest_may_be_anywhere(tmp_path: Path, first: bool) -> None:
    """The manifest may be any member, because the script's tar is in directory order."""
    content = {"MANIFEST.json": b"", **CONTENT} if first else CONTENT
    order = {path: json.dumps(ORIGINAL).encode() if path == "MANIFEST.json" else data for path, data in content.items()}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  ./{path}\n" for path, data in CONTENT.items()).encode()
    archive = crafted(
        tmp_path,
        *(entry(path, data) for path, data in order.items()),
        entry("checksums.sha256", sums),
        *([] if first else [entry("MANIFEST.json", json.dumps(ORIGINAL).encode())]),
    )
    unpacked = unpack(archive, tmp_path / "into")
    assert unpacked.manifest.tool.name == "backup.sh"
    assert (unpacked.folder / "devops_hub.db").read_bytes() == DATABASE


def test_only_the_list_s_own_line_is_skipped(tmp_path: Path) -> None:
    """The list's own checksum, which cannot match, is ignored; every other one must match."""
    assert unpack(made(tmp_path), tmp_path / "whole").manifest.scope is Scope.ALL
    refused(made(tmp_path, **{"devops_hub.sql": b"BEGIN;\nCOMMIT; \n"}), tmp_path, ChecksumMismatch)


def test_a_member_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    """A file that is not in the list of checksums is refused."""
    refused(made(tmp_path, **{"config/docker-compose.yml": b"evil"}), tmp_path, ChecksumMismatch)


@pytest.mark.parametrize("path", ["devops_hub.sql", "devops_hub.db", "checksums.sha256"])
def test_a_missing_member_is_refused(tmp_path: Path, path: str) -> None:
    """An archive with a missing file is refused."""
    refused(made(tmp_path, **{path: None}), tmp_path, ChecksumMismatch)


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        b"",
        b"[]",
        b'{"format": 1, "backup_name": "x"}',
        json.dumps(ORIGINAL | {"backup_name": "devops_hub_backup_20260131_030000"}).encode(),
        json.dumps(ORIGINAL | {"backup_name": "../evil"}).encode(),
        json.dumps(ORIGINAL | {"timestamp": "yesterday"}).encode(),
        json.dumps({"backup_name": BACKUP_ID}).encode(),
    ],
)
def test_a_wrong_manifest_is_refused(tmp_path: Path, manifest: bytes | None) -> None:
    """An archive without a matching manifest is refused."""
    refused(made(tmp_path, **{"MANIFEST.json": manifest}), tmp_path, ManifestInvalid)


@pytest.mark.parametrize("line", [b"7777  ./devops_hub.db", b"garbage", b"\xff\xfe", b"7" * 64])
def test_a_malformed_list_is_refused(tmp_path: Path, line: bytes) -> None:
    """An unreadable list of checksums is refused."""
    refused(made(tmp_path, **{"checksums.sha256": line + b"\n"}), tmp_path, ChecksumMismatch)


def relisted(tmp_path: Path, content: dict[str, bytes]) -> Path:
    """Pack other content with a matching list of checksums."""
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  ./{path}\n" for path, data in content.items()).encode()
    whole = {**content, "checksums.sha256": sums, "MANIFEST.json": json.dumps(ORIGINAL).encode()}
    return crafted(tmp_path, *(entry(path, data) for path, data in whole.items()))


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    """A file that is not a database is refused, although the script backed it up."""
    refused(relisted(tmp_path, CONTENT | {"devops_hub.db": b"not a database" * 100}), tmp_path, IntegrityCheckFailed)


def test_unreadable_statistics_are_refused(tmp_path: Path) -> None:
    """Unreadable row counts are refused, because such an archive has no other evidence of its content."""
    content = CONTENT | {"db_stats.txt": b"Database Statistics:\nagents: many\n"}
    refused(relisted(tmp_path, content), tmp_path, ManifestInvalid)


@pytest.mark.parametrize(
    ("paths", "scope"),
    [(["devops_hub.db"], Scope.DATABASE), (["config/nginx.conf"], Scope.CONFIG), (list(CONTENT), Scope.ALL)],
)
def test_the_scope_follows_from_the_members(tmp_path: Path, paths: list[str], scope: Scope) -> None:
    """The scope is derived from the members."""
    archive = relisted(tmp_path, {path: CONTENT[path] for path in paths})
    assert read_manifest(archive).scope is scope


def test_an_archive_with_nothing_to_restore_is_refused(tmp_path: Path) -> None:
    """An archive without a database and without configuration is refused."""
    refused(relisted(tmp_path, {"db_stats.txt": CONTENT["db_stats.txt"]}), tmp_path, ManifestInvalid)


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    """The unpacked size is limited by the archive's own size, because the list has no sizes."""
    bomb = limits.LEGACY_ALWAYS_ALLOWED + 1
    archive = relisted(tmp_path, {"devops_hub.db": bytes(bomb)})
    assert archive.stat().st_size < 1 << 20
    refused(archive, tmp_path, ArchiveUnsafe)


def test_the_limit_grows_with_the_archive() -> None:
    """The limit is proportional to the archive's size, between a minimum and a maximum."""
    assert legacy.legacy_limit(0) == 64 << 20
    assert legacy.legacy_limit(10 << 20) == 2000 << 20
    assert legacy.legacy_limit(1 << 50) == 100 << 30


def test_a_damaged_genuine_archive_is_refused(tmp_path: Path) -> None:
    """A flipped bit anywhere is detected by the gzip checksum or a member's checksum."""
    data = bytearray(LEGACY.read_bytes())
    damaged = tmp_path / "damaged.tar.gz"
    for at in range(20, len(data), len(data) // 40):
        data[at] ^= 4
        damaged.write_bytes(data)
        data[at] ^= 4
        with pytest.raises((ArchiveUnsafe, ChecksumMismatch)):
            unpack(damaged, tmp_path / "into")
    assert list(tmp_path.iterdir()) == [damaged]


def test_another_compression_makes_no_difference(tmp_path: Path) -> None:
    """An archive that was compressed again has the same manifest."""
    again = tmp_path / "again.tar.gz"
    again.write_bytes(gzip.compress(tar_of(LEGACY), 9))
    assert read_manifest(again) == read_manifest(LEGACY)
