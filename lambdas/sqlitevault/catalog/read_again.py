"""Small objects that every look at a vault reads: kept for as long as a listing says that they are the same."""

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import TypeVar, cast

from sqlitevault.vault.protocol import StoredObject, Vault

# Manifests and drill reports of a month of hourly backups, in a vault and in its replica, and some more.
_MOST = 8192

_Document = TypeVar("_Document")


def read_again(vault: Vault, entry: StoredObject, parse: Callable[[bytes], _Document], *, limit: int) -> _Document:
    """Return what `parse` makes of an object as it was listed, without reading it if this process has done so before.

    Raises:
        BackupNotFound, ManifestInvalid: as `Vault.read` and `parse` do; nothing is kept then.
        VaultUnavailable: the vault cannot be read.
    """
    return cast("_Document", _read(cast("Hashable", vault), entry, entry.tag, parse, limit))


@lru_cache(maxsize=_MOST)
def _read(
    vault: Hashable, entry: StoredObject, _tag: str | None, parse: Callable[[bytes], object], limit: int
) -> object:
    return parse(cast("Vault", vault).read(entry.name, limit=limit, version=entry.version))
