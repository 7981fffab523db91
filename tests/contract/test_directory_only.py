"""Tests that apply only to directory vaults: files, their modes, and leftovers of killed writers."""

import threading
from pathlib import Path

import pytest

from sqlitevault.ground.errors import BackupNotFound
from sqlitevault.vault.directory import DirectoryVault
from tests.contents import MEBIBYTE, make_content
from tests.killed_upload import kill_while_uploading


@pytest.fixture
def vault(tmp_path: Path) -> DirectoryVault:
    """An empty vault, whose directory does not exist yet."""
    return DirectoryVault(tmp_path / "above" / "vault")


def files(vault: DirectoryVault) -> list[Path]:
    """All files below the vault's directory."""
    return [path for path in Path(vault.location).rglob("*") if not path.is_dir()]


def test_a_killed_upload_leaves_a_temporary_file_that_is_swept(vault: DirectoryVault, tmp_path: Path) -> None:
    """A killed upload stores no object, keeps the older one, and leaves a file that is swept when old enough."""
    vault.replace("a/b", b"older")
    kill_while_uploading(vault.location, "a/b", make_content(tmp_path, 9 * MEBIBYTE))
    assert len(files(vault)) == 2
    assert [(stored.name, stored.bytes) for stored in vault.objects()] == [("a/b", 5)]
    assert [vault.sweep(age) for age in (3600, 0, 0)] == [0, 1, 0]
    assert [path.name for path in files(vault)] == ["b"]


def test_only_the_owner_has_access(vault: DirectoryVault, tmp_path: Path) -> None:
    """Only the owner can read the files and the folders made for them, because backups hold key hashes."""
    content = make_content(tmp_path, 10)
    vault.upload("a/b/uploaded", content.path, sha256=content.sha256)
    vault.create("a/b/created", b"!")
    vault.replace("a/b/replaced", b"!")
    made = [tmp_path / "above", *(tmp_path / "above").rglob("*")]
    assert {(path.is_dir(), oct(path.stat().st_mode & 0o777)) for path in made} == {(True, "0o700"), (False, "0o600")}


def test_links_are_not_followed(vault: DirectoryVault, tmp_path: Path) -> None:
    """A link in the vault's directory is not an object: nothing outside is listed, read, inspected or deleted."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    vault.replace("a", b"!")
    link = Path(vault.location) / "link"
    link.symlink_to(outside)
    (Path(vault.location) / "folder").symlink_to(tmp_path)
    assert [stored.name for stored in vault.objects()] == ["a"]
    assert list(vault.versions("link")) == []
    with pytest.raises(BackupNotFound):
        vault.read("link", limit=10)
    with pytest.raises(BackupNotFound):
        vault.download("link", tmp_path / "back")
    vault.delete("link")
    assert (link.is_symlink(), outside.read_bytes()) == (True, b"secret")


def test_a_reader_keeps_its_file_while_it_is_replaced(vault: DirectoryVault, tmp_path: Path) -> None:
    """A download in progress returns one content or the other, never a mixture."""
    first, second = make_content(tmp_path, 9 * MEBIBYTE), make_content(tmp_path, 9 * MEBIBYTE, seed=2)
    vault.upload("a", first.path, sha256=first.sha256)

    def replace(_: int) -> None:
        vault.upload("a", second.path, sha256=second.sha256)

    assert vault.download("a", tmp_path / "back", on_bytes=replace) == first.sha256
    assert vault.download("a", tmp_path / "again") == second.sha256


def test_sweeping_and_listing_beside_active_writers(vault: DirectoryVault) -> None:
    """A temporary file that its writer finishes, or an object that is deleted, does not cause an error."""
    vault.replace("n/stays", b"!")
    done = threading.Event()

    def write(name: str) -> None:
        while not done.is_set():
            vault.replace(name, b"!")
            vault.delete(name)

    writers = [threading.Thread(target=write, args=(f"n/comes-and-goes-{number}",)) for number in range(4)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(500):
            assert vault.sweep(3600) == 0
            assert {stored.name for stored in vault.objects()} >= {"n/stays"}
    finally:
        done.set()
        for writer in writers:
            writer.join()
