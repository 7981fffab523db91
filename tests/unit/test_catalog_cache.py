"""What is kept of objects that a process has read before."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sqlitevault.catalog.catalog import read_again
from sqlitevault.ground.errors import ManifestInvalid
from sqlitevault.ground.facts import RECORD_LIMIT
from sqlitevault.vault.protocol import StoredObject, Vault

ENTRY = StoredObject("a.json", 3, datetime(2026, 1, 1, tzinfo=UTC), tag="one")


class Counting:
    """The only thing of a vault that is asked for here; counts how often."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self.asked: list[str | None] = []

    def read(self, _name: str, *, limit: int, version: str | None = None) -> bytes:
        """Return another content each time."""
        assert limit == RECORD_LIMIT
        self.asked.append(version)
        return str(len(self.asked)).encode()


@pytest.fixture
def store() -> Counting:
    """A store that nobody has read."""
    return Counting()


def look(store: Counting, entry: StoredObject) -> int:
    """Read a number."""
    vault: Vault = store  # type: ignore[assignment]  # the one method that is used
    return read_again(vault, entry, int)


def test_what_is_listed_as_before_is_not_read_again(store: Counting) -> None:
    """However often."""
    assert [look(store, ENTRY) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(
    "changed", [{"bytes": 4}, {"modified": datetime(2026, 1, 2, tzinfo=UTC)}, {"tag": "two"}, {"version": "v"}]
)
def test_what_is_listed_otherwise_is_read(store: Counting, changed: dict[str, object]) -> None:
    """A size, a time, a tag or a version of its own is another content."""
    assert (look(store, ENTRY), look(store, replace(ENTRY, **changed))) == (1, 2)  # type: ignore[arg-type]


def test_another_vault_is_read(store: Counting) -> None:
    """Equal names mean nothing."""
    look(store, ENTRY)
    assert look(Counting(), ENTRY) == 1


def test_a_failure_is_not_kept(store: Counting) -> None:
    """What could not be understood once is read once more."""

    def fail(_: bytes) -> int:
        raise ManifestInvalid("no", hint="no")

    vault: Vault = store  # type: ignore[assignment]  # the one method that is used
    for _ in range(2):
        with pytest.raises(ManifestInvalid):
            read_again(vault, ENTRY, fail)
    assert len(store.asked) == 2
