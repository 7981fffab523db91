"""Errors for refused archives, and untrusted names in messages."""

from sqlitevault.ground.errors import ArchiveUnsafe, ChecksumMismatch

FETCH_AGAIN = "Fetch the archive again; if it is still damaged, take another backup or its copy in the replica vault."
CHANGED = "Take another backup, and find out who can write to the vault: this one was changed after it was made."
_LONGEST = 100


def unsafe(what: str) -> ArchiveUnsafe:
    """Return the error for something that no backup contains."""
    return ArchiveUnsafe(what, hint=f"Do not unpack this archive by hand. {CHANGED}")


def damaged(what: str) -> ChecksumMismatch:
    """Return the error for something that a broken disk or transfer can cause."""
    return ChecksumMismatch(what, hint=FETCH_AGAIN)


def shown(name: str) -> str:
    """Return an untrusted name for a message: one line of ASCII, shortened."""
    return ascii(name if len(name) <= _LONGEST else name[:_LONGEST] + "...")
