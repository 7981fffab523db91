"""Tests of the `Vault` contract with every kind of vault."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sqlitevault.ground.errors import BackupExists, BackupNotFound, ChecksumMismatch, ManifestInvalid
from sqlitevault.vault.protocol import Vault
from tests.contents import MEBIBYTE, make_content
from tests.contract.stores import Store

# S3 vaults send up to 8 MiB in one request, and longer content in parts.
SIZES = {"empty": 0, "byte": 1, "largest-put": 8 * MEBIBYTE, "two-parts": 8 * MEBIBYTE + 1, "parts": 17_921_357}
SMALL, PARTS = 1000, 9 * MEBIBYTE + 7
sized = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
small_and_parts = pytest.mark.parametrize("size", [SMALL, PARTS], ids=["small", "parts"])


def names(vault: Vault, under: str = "") -> list[str]:
    """Return only the names."""
    return [stored.name for stored in vault.objects(under)]


@sized
def test_an_uploaded_file_is_downloaded_unchanged(vault: Vault, tmp_path: Path, size: int) -> None:
    """Every byte comes back, progress counts every byte in both directions, and the checksum matches."""
    content = make_content(tmp_path, size)
    sent: list[int] = []
    received: list[int] = []
    vault.upload("a/b.bin", content.path, sha256=content.sha256, on_bytes=sent.append)
    sha256 = vault.download("a/b.bin", tmp_path / "back", on_bytes=received.append)
    assert (tmp_path / "back").read_bytes() == content.data
    assert sha256 == content.sha256
    assert (sum(sent), sum(received)) == (size, size)


@pytest.mark.parametrize("way", ["upload", "create", "replace"])
def test_storing_returns_the_object_s_description(store: Store, tmp_path: Path, way: str) -> None:
    """The returned name, size, time and version match a later listing."""
    content = make_content(tmp_path, SMALL)
    if way == "upload":
        stored = store.vault.upload("a", content.path, sha256=content.sha256)
    else:
        stored = getattr(store.vault, way)("a", content.data)
    assert (stored.name, stored.bytes) == ("a", SMALL)
    assert abs(stored.modified - datetime.now(UTC)) < timedelta(minutes=5)
    assert (stored.version is not None) == store.protection.versioned
    assert [(found.name, found.bytes) for found in store.vault.objects()] == [("a", SMALL)]
    if store.protection.versioned:
        assert [found.version for found in store.vault.versions("a")] == [stored.version]


@small_and_parts
def test_a_wrong_checksum_stores_nothing(vault: Vault, tmp_path: Path, size: int) -> None:
    """A file that does not match its checksum is refused, the older object stays, and no unfinished upload remains."""
    vault.replace("a", b"older")
    content, other = make_content(tmp_path, size), make_content(tmp_path, size, seed=2)
    for name in ("a", "b"):
        with pytest.raises(ChecksumMismatch):
            vault.upload(name, content.path, sha256=other.sha256)
    assert names(vault) == ["a"]
    assert vault.read("a", limit=10) == b"older"
    assert vault.sweep(0) == 0


def test_an_upload_is_not_visible_before_it_is_complete(vault: Vault, tmp_path: Path) -> None:
    """During an upload, a listing does not show the new object and a reader gets the older one."""
    vault.replace("old", b"older")
    content = make_content(tmp_path, PARTS)
    seen: list[tuple[list[str], bytes]] = []
    for name in ("new", "old"):
        vault.upload(
            name,
            content.path,
            sha256=content.sha256,
            on_bytes=lambda _: seen.append((names(vault), vault.read("old", limit=PARTS))),
        )
        assert vault.read(name, limit=PARTS) == content.data
    assert seen[0] == (["old"], b"older")
    assert all(read == b"older" for _, read in seen)


@small_and_parts
def test_uploading_again_replaces(store: Store, tmp_path: Path, size: int) -> None:
    """The newer content is read; the older content stays as a version if the vault keeps versions."""
    vault = store.vault
    first, second = make_content(tmp_path, size), make_content(tmp_path, size, seed=2)
    stored = [vault.upload("a", content.path, sha256=content.sha256) for content in (first, second)]
    assert vault.read("a", limit=size) == second.data
    if store.protection.versioned:
        assert [vault.read("a", limit=size, version=each.version) for each in stored] == [first.data, second.data]
        vault.download("a", tmp_path / "first", version=stored[0].version)
        assert (tmp_path / "first").read_bytes() == first.data


@pytest.mark.parametrize("second", [b"", b"second", b"longer than the first"], ids=["empty", "as-long", "longer"])
def test_a_name_is_created_once(vault: Vault, second: bytes) -> None:
    """The second call raises BackupExists, and the object does not change."""
    vault.create("a/b.json", b"first!")
    with pytest.raises(BackupExists):
        vault.create("a/b.json", second)
    assert vault.read("a/b.json", limit=10) == b"first!"
    assert names(vault) == ["a/b.json"]
    assert vault.sweep(0) == 0


def test_a_deleted_name_can_be_created(vault: Vault) -> None:
    """A name can be created again after its object was deleted."""
    vault.create("a", b"first")
    vault.delete("a")
    vault.create("a", b"second")
    assert vault.read("a", limit=10) == b"second"


def test_of_many_creators_one_wins(vault: Vault) -> None:
    """Of eight simultaneous calls exactly one succeeds, and its content is stored."""
    start = threading.Barrier(8)

    def create(content: bytes) -> bytes | None:
        start.wait()
        try:
            vault.create("a", content)
        except BackupExists:
            return None
        return content

    with ThreadPoolExecutor(8) as pool:
        winners = [content for content in pool.map(create, (b"%d" % number for number in range(8))) if content]
    assert winners == [vault.read("a", limit=10)]
    assert vault.sweep(0) == 0


def test_replacing_keeps_the_older_version(store: Store) -> None:
    """The newest content is read, and versions are listed newest first."""
    vault = store.vault
    stored = [vault.replace("a", content) for content in (b"one", b"two!", b"three")]
    assert vault.read("a", limit=10) == b"three"
    found = list(vault.versions("a"))
    if store.protection.versioned:
        assert [each.version for each in found] == [each.version for each in reversed(stored)]
        assert [vault.read("a", limit=10, version=each.version) for each in found] == [b"three", b"two!", b"one"]
    else:
        assert [(each.name, each.bytes) for each in found] == [("a", 5)]


def test_versions_belong_to_the_exact_name(vault: Vault) -> None:
    """Versions of longer names are not included, and an unknown name has none."""
    for name in ("a.tar.gz", "a.tar.gz.manifest.json", "a.tar.gy"):
        vault.replace(name, b"!")
    assert [found.name for found in vault.versions("a.tar.gz")] == ["a.tar.gz"]
    assert list(vault.versions("a.tar")) == []


def test_a_deleted_object_is_gone_but_its_version_stays(store: Store, tmp_path: Path) -> None:
    """A deleted object is neither listed nor readable; a vault with versions can still return its content."""
    vault = store.vault
    stored = vault.replace("a", b"content")
    vault.delete("a")
    assert names(vault) == []
    with pytest.raises(BackupNotFound):
        vault.read("a", limit=10)
    with pytest.raises(BackupNotFound):
        vault.download("a", tmp_path / "back")
    found = [each.version for each in vault.versions("a")]
    assert found == ([stored.version] if store.protection.versioned else [])
    if store.protection.versioned:
        vault.download("a", tmp_path / "back", version=stored.version)
        assert (tmp_path / "back").read_bytes() == b"content"


def test_deleting_an_unknown_name_does_nothing(vault: Vault) -> None:
    """Deleting an unknown name, a folder's name or a name below an object does not raise and deletes nothing."""
    vault.replace("folder/object", b"!")
    vault.replace("object", b"!")
    for name in ("unknown", "folder/unknown", "folder", "object/below"):
        vault.delete(name)
    assert names(vault) == ["folder/object", "object"]


def test_objects_are_sorted_by_name(store: Store) -> None:
    """Objects are sorted by code point, not by folder; `under` is a string prefix, not a folder."""
    vault = store.vault
    for name in ("b", "a/z", "a-1", "a0", "a/b/c", "A"):
        vault.replace(name, b"!")
    for under, expected in {
        "": ["A", "a-1", "a/b/c", "a/z", "a0", "b"],
        "a": ["a-1", "a/b/c", "a/z", "a0"],
        "a/": ["a/b/c", "a/z"],
        "a/b/c": ["a/b/c"],
        "a/b/c/d": [],
        "c": [],
    }.items():
        assert sorted(found := names(vault, under)) == expected
        assert found == expected or not store.in_order


def test_more_objects_than_fit_on_a_page(store: Store) -> None:
    """Each of 1,005 objects is listed once (S3 answers with 1,000 at a time)."""
    if store.protection.versioned:
        pytest.skip("takes seconds, and lists in the same way as without versions")
    expected = [f"n/{number:04}" for number in range(1005)]
    store.fill(expected)
    assert names(store.vault) == expected


UNUSUAL = {
    "space": "a b/ c .bin",
    "umlaut": "Müller/größe.bin",
    "decomposed": "Mu\u0308ller",
    "emoji": "\N{PACKAGE}\U0001f40d",
    "query": "a?b=c&d#e",
    "percent": "100%25/%2F+plus",
    "quotes": 'it\'s "so"',
    "markup": "<a>&amp;</a>",
    "brackets": "a[b]{c}*|^`~$!(),;:@=",
    "dots": ".hidden/..twice/a..b/...",
    "dash": "-rf",
    "long": "/".join(["n" * 200] * 4),
}


@pytest.mark.parametrize("name", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_names(vault: Vault, tmp_path: Path, name: str) -> None:
    """Every method keeps a name exactly as it is."""
    content = make_content(tmp_path, SMALL)
    vault.upload(name, content.path, sha256=content.sha256)
    assert names(vault) == names(vault, name) == [name]
    assert vault.read(name, limit=SMALL) == content.data
    assert vault.download(name, tmp_path / "back") == content.sha256
    assert [found.name for found in vault.versions(name)] == [name]
    with pytest.raises(BackupExists):
        vault.create(name, b"other")
    vault.delete(name)
    assert names(vault) == []


def test_reading_stops_at_the_limit(vault: Vault) -> None:
    """An object of exactly the limit is read, and a longer one raises ManifestInvalid."""
    vault.replace("a", b"1234")
    vault.replace("empty", b"")
    assert vault.read("a", limit=4) == b"1234"
    assert vault.read("empty", limit=0) == b""
    with pytest.raises(ManifestInvalid):
        vault.read("a", limit=3)


def test_unfinished_uploads_are_hidden_and_swept(store: Store) -> None:
    """A killed writer's leftover is not listed as an object, and is swept once when it is old enough."""
    store.vault.replace("n/a", b"!")
    store.leave_unfinished("n/b")
    assert names(store.vault) == ["n/a"]
    with pytest.raises(BackupNotFound):
        store.vault.read("n/b", limit=1)
    assert [store.vault.sweep(age) for age in (store.young_seconds, 0, 0)] == [0, 1, 0]
    assert names(store.vault) == ["n/a"]


def test_a_new_vault_is_empty(vault: Vault) -> None:
    """A vault in which nothing was ever stored lists nothing and sweeps nothing."""
    assert names(vault) == []
    assert vault.sweep(0) == 0


def test_the_location_reopens_the_vault(store: Store) -> None:
    """A vault's location opens the same vault."""
    assert store.vault.location == store.location


def test_protection_is_reported(store: Store) -> None:
    """Versioning and Object Lock are reported as they were set up."""
    assert store.vault.protection() == store.protection


def test_nothing_is_replicated(vault: Vault) -> None:
    """An object that is not replicated has no replication status."""
    vault.replace("a", b"!")
    assert vault.replication_status("a") is None
