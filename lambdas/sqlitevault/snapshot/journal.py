"""Rollback journals (https://www.sqlite.org/fileformat2.html#the_rollback_journal)."""

from dataclasses import dataclass
from pathlib import Path

from sqlitevault.ground.errors import SourceUnsupported
from sqlitevault.snapshot.fresh import Vanished, View, beside, look

MAGIC = bytes.fromhex("d9d505f920a163d7")

# The end of a journal whose transaction spanned several files (writeSuperJournal in src/pager.c): page number, name,
# length of the name, checksum, magic.
_NAME_LENGTH_BYTES = 4
_TRAILER_BYTES = 16


@dataclass(frozen=True, slots=True)
class Journal:
    """A database's journal as it is now; `seen` is None without a journal."""

    seen: View | None

    @property
    def live(self) -> bool:
        """Whether SQLite would roll it back without its writer: it is not deleted, truncated or zeroed."""
        return self.seen is not None and self.seen.first[:1] not in (b"", b"\0")


def read_journal(database: Path) -> Journal:
    """Return the state of the journal beside a database."""
    try:
        return Journal(look(beside(database, "-journal")))
    except Vanished:
        return Journal(None)


def require_single_file(journal: Path) -> None:
    """Check that a hot journal belongs to a transaction in one database only.

    In a transaction over attached databases, the existence of another file, the super-journal, decides between commit
    and rollback. Its path is valid on the application's host and cannot be checked from here.

    Raises:
        SourceUnsupported: the journal names a super-journal.
    """
    name = _super_journal(journal)
    if name:
        raise SourceUnsupported(
            f"a writer crashed in a transaction over several attached databases (super-journal {name})",
            hint="Start the application, or open the database with sqlite3 on its host and SELECT from a table: SQLite "
            "then finishes or undoes that transaction. Then take the backup again.",
        )


def _super_journal(journal: Path) -> str | None:
    with journal.open("rb") as file:
        size = file.seek(0, 2)
        if size <= _TRAILER_BYTES:
            return None
        file.seek(size - _TRAILER_BYTES)
        trailer = file.read(_TRAILER_BYTES)
        length = int.from_bytes(trailer[:_NAME_LENGTH_BYTES], "big")
        if not trailer.endswith(MAGIC) or not 0 < length <= size - _TRAILER_BYTES:
            return None
        file.seek(size - _TRAILER_BYTES - length)
        return file.read(length).decode(errors="replace")
