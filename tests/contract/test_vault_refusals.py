"""Tests of refusals and failures midway with every kind of vault."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sqlitevault.ground.errors import BackupNotFound, ConfigError, ScratchFull, VaultUnavailable
from sqlitevault.vault.protocol import Vault
from tests.contents import MEBIBYTE, make_content
from tests.contract.calls import BY_NAME, EVERY, READING, Call, each
from tests.contract.stores import Store

SMALL, PARTS = 1000, 9 * MEBIBYTE + 7
small_and_parts = pytest.mark.parametrize("size", [SMALL, PARTS], ids=["small", "parts"])


class InterruptedByTest(BaseException):
    """An interruption such as Ctrl-C, which a vault must not swallow."""


def interrupt(_: int) -> None:
    """Raise when the first bytes are reported."""
    raise InterruptedByTest


BAD_NAMES = ("", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "/etc/passwd", "a\nb", "a\0b")


@each(BY_NAME)
def test_names_that_could_escape_the_vault_are_refused(store: Store, tmp_path: Path, call: Call) -> None:
    """Every method raises ConfigError for such a name, and nothing is stored."""
    store.vault.replace("a", b"!")
    for name in BAD_NAMES:
        with pytest.raises(ConfigError) as caught:
            call(store.vault, name, tmp_path)
        assert caught.value.hint
    assert [stored.name for stored in store.vault.objects()] == ["a"]


@each(READING)
def test_an_unknown_name_is_not_found(vault: Vault, tmp_path: Path, call: Call) -> None:
    """Unknown names and folder names raise BackupNotFound, and a failed download leaves no file."""
    vault.replace("folder/object", b"!")
    vault.replace("object", b"!")
    for name in ("unknown", "folder/unknown", "folder", "object/below"):
        with pytest.raises(BackupNotFound) as caught:
            call(vault, name, tmp_path)
        assert name in str(caught.value)
        assert not (tmp_path / "back").exists()
        assert list(vault.versions(name)) == []


@pytest.mark.parametrize("way", ["read", "download"])
def test_an_unknown_version_is_not_found(store: Store, tmp_path: Path, way: str) -> None:
    """A version of another object, and any version in a vault that keeps none, raises BackupNotFound."""
    if not store.refuses_versions:
        pytest.skip("SeaweedFS ignores the version in a bucket without versions")
    other = store.vault.replace("other", b"!")
    store.vault.replace("a", b"!")
    version = other.version or "00000000000000000000000000000000"
    with pytest.raises(BackupNotFound):
        if way == "read":
            store.vault.read("a", limit=1, version=version)
        else:
            store.vault.download("a", tmp_path / "back", version=version)
    assert not (tmp_path / "back").exists()


@each(EVERY)
def test_a_missing_store_is_unavailable(store: Store, tmp_path: Path, call: Call) -> None:
    """A missing bucket or directory raises VaultUnavailable, not BackupNotFound, and the hint names what to check."""
    broken = store.open_broken()
    with pytest.raises(VaultUnavailable) as caught:
        call(broken, "a", tmp_path)
    assert broken.location in str(caught.value)
    assert "bucket" in caught.value.hint or "mounted" in caught.value.hint
    assert not (tmp_path / "back").exists()


@small_and_parts
def test_an_interrupted_upload_stores_nothing(vault: Vault, tmp_path: Path, size: int) -> None:
    """The older object stays, and no unfinished upload remains."""
    content = make_content(tmp_path, size)
    vault.replace("a", b"older")
    if size == SMALL and vault.location.startswith("s3://"):
        pytest.skip("a single request is either sent or not")
    for name in ("a", "b"):
        with pytest.raises(InterruptedByTest):
            vault.upload(name, content.path, sha256=content.sha256, on_bytes=interrupt)
    assert [(stored.name, stored.bytes) for stored in vault.objects()] == [("a", 5)]
    assert vault.sweep(0) == 0


@small_and_parts
def test_an_interrupted_download_leaves_no_file(vault: Vault, tmp_path: Path, size: int) -> None:
    """A download that any exception interrupts deletes its target."""
    content = make_content(tmp_path, size)
    vault.upload("a", content.path, sha256=content.sha256)
    with pytest.raises(InterruptedByTest):
        vault.download("a", tmp_path / "back", on_bytes=interrupt)
    assert not (tmp_path / "back").exists()


def test_a_download_never_overwrites_a_file(vault: Vault, tmp_path: Path) -> None:
    """A target that already exists is refused and keeps its content."""
    vault.replace("a", b"from the vault")
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        vault.download("a", target)
    assert target.read_bytes() == b"precious"


@pytest.fixture
def small_files_only() -> Iterator[Callable[[], None]]:
    """A switch after which no file of this process can grow beyond 4 KiB, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_reported_and_leaves_no_file(
    vault: Vault, tmp_path: Path, small_files_only: Callable[[], None]
) -> None:
    """The error names the scratch directory, not the vault."""
    content = make_content(tmp_path, MEBIBYTE)
    vault.upload("a", content.path, sha256=content.sha256)
    small_files_only()
    with pytest.raises(ScratchFull) as caught:
        vault.download("a", tmp_path / "back")
    assert str(tmp_path) in str(caught.value)
    assert not (tmp_path / "back").exists()
