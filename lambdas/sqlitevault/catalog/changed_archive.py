"""Whether the archive that is stored is still the one that was committed and proven, as far as a listing tells."""

from datetime import timedelta

from sqlitevault.catalog.manifest import Archive, format_time
from sqlitevault.vault.protocol import StoredObject

# A clock may be set back a little between an upload and its drill.
_SAME_MOMENT = timedelta(seconds=5)


def other_size(stored: StoredObject, committed: Archive) -> str | None:
    """Tell how an archive's size differs from what its manifest says."""
    if stored.bytes == committed.bytes:
        return None
    return f"its archive has {stored.bytes:,} bytes instead of {committed.bytes:,}"


def newer_than_proof(archive: StoredObject, proof: StoredObject) -> str | None:
    """Tell when the archive was stored after the proof that a drill from this very vault left.

    Both times are the vault's own. In a copy of the vault they say when each was copied: the proof names another place.
    """
    if archive.modified - proof.modified <= _SAME_MOMENT:
        return None
    return f"its archive was written anew at {format_time(archive.modified)}, after its drill"
