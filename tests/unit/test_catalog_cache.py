"""Tests of the cache of objects that a process has already read."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sqlitevault.catalog.catalog import read_again
from sqlitevault.ground.errors import ManifestInvalid
from sqlitevault.ground.facts import RECORD_LIMIT
from sqlitevault.vault.protocol import StoredObject, Vault

ENTRY = StoredObject("a.json", 3, datetime(2026, 1, 1, tzinfo=UTC), tag="one")


class Counting:
    """The one method of a vault that the cache calls; records each call."""

    def __init__(self) -> None:
        """Begin without calls."""
        self.asked: list[str | None] = []

    def read(self, _name: str, *, limit: int, version: str | None = None) -> bytes:
        """Return different content each time."""
        assert limit == RECORD_LIMIT
        self.asked.append(version)
        return str(len(self.asked)).encode()


@pytest.fixture
def store() -> Counting:
    """A store that has not been read yet."""
    return Counting()


def look(store: Counting, entry: StoredObject) -> int:
    """Read a number through the cache."""
    vault: Vault = store  # type: ignore[assignment]  # only `read` is used
    return read_again(vault, entry, int)


def test_an_unchanged_object_is_read_only_once(store: Counting) -> None:
    """An object whose listing has not changed is read only once."""
    assert [look(store, ENTRY) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(
    "changed", [{"bytes": 4}, {"modified": datetime(2026, 1, 2, tzinfo=UTC)}, {"tag": "two"}, {"version": "v"}]
)
def test_a_changed_object_is_read_again(store: Counting, changed: dict[str, object]) -> None:
    """An object is read again if its size, time, tag or version has changed."""
    assert (look(store, ENTRY), look(store, replace(ENTRY, **changed))) == (1, 2)  # type: ignore[arg-type]


def test_each_vault_is_read(store: Counting) -> None:
    """An object of the same name in another vault is read."""
    look(store, ENTRY)
    assert look(Counting(), ENTRY) == 1


def test_a_failure_is_not_cached(store: Counting) -> None:
    """An object that could not be parsed is read again."""

    def fail(_: bytes) -> int:
        raise ManifestInvalid("no", hint="no")

    vault: Vault = store  # type: ignore[assignment]  # only `read` is used
    for _ in range(2):
        with pytest.raises(ManifestInvalid):
            read_again(vault, ENTRY, fail)
    assert len(store.asked) == 2
