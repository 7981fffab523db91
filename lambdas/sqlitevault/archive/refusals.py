"""What is said when an archive is refused: one wording per kind of fault, and untrusted names made harmless."""

from sqlitevault.ground.errors import ArchiveUnsafe, ChecksumMismatch

FETCH_AGAIN = "Fetch the archive again; if it is still damaged, take another backup or its copy in the replica vault."
CHANGED = "Take another backup, and find out who could write to the vault: this one was changed after it was made."
_LONGEST = 100


def unsafe(what: str) -> ArchiveUnsafe:
    """Return the refusal of something that no backup has."""
    return ArchiveUnsafe(what, hint=f"Do not unpack this archive by hand. {CHANGED}")


def damaged(what: str) -> ChecksumMismatch:
    """Return the refusal of something that a broken disk or transfer may have done."""
    return ChecksumMismatch(what, hint=FETCH_AGAIN)


def shown(name: str) -> str:
    """Return an untrusted name for a message: on one line, ASCII, not too long."""
    return ascii(name if len(name) <= _LONGEST else name[:_LONGEST] + "...")
