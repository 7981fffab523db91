"""Damaged, foreign and hostile archives, and wrong manifests: refused with code 12, and nothing is written."""

import gzip
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archives import CONTENT, crafted, entry, head
from tests.cli.home import Home, tree
from tests.cli.test_verify_verb import damage

USAGE, NOT_FOUND, INTEGRITY = 2, 10, 12
_DATABASE = entry("devops_hub.db", CONTENT["devops_hub.db"])
_HOSTILE = {
    "parent": entry("../../evil"),
    "absolute": entry("/tmp/evil"),
    "symbolic link": entry("devops_hub.db", kind=tarfile.SYMTYPE, link="/etc/passwd"),
    "hard link": entry("devops_hub.db", kind=tarfile.LNKTYPE, link="/etc/passwd"),
    "device": entry("devops_hub.db", kind=tarfile.CHRTYPE),
    "named pipe": entry("devops_hub.db", kind=tarfile.FIFOTYPE),
    "duplicate": _DATABASE + _DATABASE,
    "bomb": entry("devops_hub.db", b"\0" * (20 << 20)),
}


def truncated(content: bytes) -> bytes:
    """Remove the second half, as an interrupted copy does."""
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """Flip one bit in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


_SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "truncated": truncated,
    "bit-flipped": flipped,
    "not gzip": lambda _: b"not an archive at all" * 100,
    "not a tar": lambda _: gzip.compress(b"not a tar at all" * 1000),
    "empty": lambda _: b"",
}


def refused(home: Home, archive: Path, *says: str) -> None:
    """Check that `restore` and `verify` refuse an archive and change nothing."""
    before = tree(home.root)
    home.run("restore", archive, "--yes").require(INTEGRITY, *says)
    home.run("verify", archive).require(INTEGRITY, "IntegrityCheckFailed: 1 of 1 backups are damaged")
    assert tree(home.root) == before
    assert list(home.scratch.iterdir()) == []


@pytest.mark.parametrize("how", _SPOILED)
def test_a_spoiled_archive_beside_its_manifest(home: Home, how: str) -> None:
    """The checksum in the manifest reveals the damage before anything is unpacked."""
    archive = home.archive(home.ids[1])
    archive.write_bytes(_SPOILED[how](archive.read_bytes()))
    refused(home, archive, f"ChecksumMismatch: {archive.name} has SHA-256 ")


@pytest.mark.parametrize("how", _SPOILED)
def test_a_spoiled_archive_without_its_manifest(home: Home, how: str) -> None:
    """Without a manifest beside it, the archive itself reveals the damage."""
    archive = home.root / "carried away.tar.gz"
    archive.write_bytes(_SPOILED[how](home.archive(home.ids[1]).read_bytes()))
    before = tree(home.root)
    home.run("restore", archive, "--yes").require(INTEGRITY)
    assert tree(home.root) == before


@pytest.mark.parametrize("attack", _HOSTILE)
def test_a_hostile_archive(home: Home, attack: str) -> None:
    """Members that lead elsewhere, are not regular files, occur twice or are not recorded are not unpacked."""
    archive = crafted(home.root, head(CONTENT), _HOSTILE[attack])
    before = tree(home.root)
    home.run("restore", archive, "--yes").require(INTEGRITY, "ArchiveUnsafe: ")
    assert tree(home.root) == before
    assert not Path("/tmp/evil").exists()


def test_a_bomb_that_records_no_sizes(home: Home) -> None:
    """An archive of the original script is unpacked only up to a limit that depends on its own size."""
    archive = crafted(home.root, entry("devops_hub.db", bytes((64 << 20) + 1)))
    assert archive.stat().st_size < 1 << 20
    before = tree(home.root)
    home.run("restore", archive, "--yes").require(INTEGRITY, "ArchiveUnsafe: the archive unpacks to more than the ")
    assert tree(home.root) == before


def test_a_manifest_of_a_newer_format(home: Home) -> None:
    """The error names the version, and the hint recommends a newer sqlitevault."""
    manifest = home.manifest(home.ids[1])
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 2}))
    before = tree(home.root)
    says = ("NewerFormat: the backup has format 2; this version reads up to 1", "newer version of sqlitevault")
    home.run("restore", home.ids[1], "--yes").require(INTEGRITY, *says)
    assert tree(home.root) == before


@pytest.mark.parametrize("naming", ["id", "path"])
def test_a_manifest_of_another_archive(home: Home, naming: str) -> None:
    """An archive beside the wrong manifest is detected, whether it is named by id or by path."""
    shutil.copy(home.manifest(home.ids[0]), home.manifest(home.ids[1]))
    before = tree(home.root)
    words = {"id": home.ids[1], "path": str(home.archive(home.ids[1]))}[naming]
    home.run("restore", words, "--yes").require(INTEGRITY, f"ManifestInvalid: the manifest beside {home.ids[1]}")
    assert tree(home.root) == before


def test_a_missing_manifest(home: Home) -> None:
    """An archive without its manifest does not count as a backup, but its path restores it with the manifest inside."""
    missing = home.ids[1]
    home.manifest(missing).unlink()
    before = tree(home.root)
    home.run("restore", missing, "--yes").require(NOT_FOUND, f"BackupNotFound: no backup {missing} in backups")
    planned = home.run("restore", home.archive(missing), "--dry-run").require(0).stdout
    assert f"{missing} (named; without a manifest beside it)" in planned
    assert tree(home.root) == before


@pytest.mark.parametrize(
    ("verb", "words", "code", "says"),
    [
        ("restore", "devops_hub_backup_20200101_000000", NOT_FOUND, "BackupNotFound: no backup devops_hub_backup_"),
        ("verify", "devops_hub_backup_20200101_000000", NOT_FOUND, "BackupNotFound: no backup devops_hub_backup_"),
        ("drill", "devops_hub_backup_20200101_000000", NOT_FOUND, "BackupNotFound: no backup devops_hub_backup_"),
        ("restore", "nowhere/at-all.tar.gz", NOT_FOUND, "BackupNotFound: there is no at-all.tar.gz in nowhere"),
        ("restore", "devops_hub_backup_20261301_000000", USAGE, "does not name a backup"),
    ],
    ids=["restore", "verify", "drill", "path", "impossible time"],
)
def test_a_backup_that_does_not_exist(home: Home, verb: str, words: str, code: int, says: str) -> None:
    """An unknown backup ends with code 10 and a hint where to look; an id with an impossible time with code 2."""
    before = tree(home.root)
    home.run(verb, words).require(code, says)
    assert tree(home.root) == before


def test_the_newest_backup_is_damaged(home: Home) -> None:
    """`--latest` reports the damage instead of restoring; the hint names the other backups."""
    damage(home.archive(home.ids[1]))
    before = tree(home.root)
    home.run("restore", "--latest", "--yes").require(INTEGRITY, "ChecksumMismatch: ", "Take another backup")
    assert tree(home.root) == before
