"""Salvage what can be read of a backup of which no copy can be proven.

Only on request. The result is a sound database with unproven content, and marked as such.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlitevault.archive.salvage import Readable, unpack_readable
from sqlitevault.catalog.drill_report import Check
from sqlitevault.catalog.manifest import Manifest, Table
from sqlitevault.database.checks import check
from sqlitevault.database.content import read_tables
from sqlitevault.database.salvage import copy_readable
from sqlitevault.dump.load import load_readable
from sqlitevault.ground.errors import IntegrityCheckFailed, SqliteVaultError
from sqlitevault.proof.proof import different_tables


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A sound database in `folder`, under the name that the manifest gives it.

    `differences` from the recorded content are empty if it equals what was backed up after all.
    """

    folder: Path
    manifest: Manifest
    source: str
    tables: tuple[Table, ...]
    differences: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def check(self) -> Check:
        """The result of comparing it with the manifest."""
        if not self.differences:
            return Check(name="salvaged", passed=True, detail=f"{self.rows:,} rows from {self.source}, digests equal")
        recorded = f" of {self.manifest.rows:,}" if self.manifest.tables else ""
        detail = f"NOT PROVEN: {self.rows:,}{recorded} rows from {self.source}; {'; '.join(self.differences)}"
        return Check(name="salvaged", passed=False, detail=detail)


def salvage(archive: Path, manifest: Manifest | None, into: Path, *, place: str) -> Salvaged:
    """Take what can be read of an archive, from its database or its SQL dump, whichever has more rows.

    Raises:
        IntegrityCheckFailed: nothing can be read.
    """
    readable = unpack_readable(archive, into / "readable", lambda path: "/" not in path)
    known = manifest or readable.manifest
    if readable.folder is None or known is None:
        raise _nothing(place, readable.problem)
    made = [_described(path, what, known) for path, what in _candidates(readable, into)]
    if not made:
        raise _nothing(place, readable.problem)
    best = min(made, key=lambda found: (len(found.differences) > 0, -found.rows))
    (into / "salvaged").mkdir()
    return _placed(best, into / "salvaged", place)


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    what: str
    manifest: Manifest
    tables: tuple[Table, ...]
    differences: tuple[str, ...]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


def _candidates(readable: Readable, into: Path) -> Iterator[tuple[Path, str]]:
    assert readable.folder is not None
    for number, path in enumerate(sorted(readable.folder.iterdir())):
        made = into / f"candidate-{number}.db"
        if path.suffix == ".db" and _is_sound(path):
            yield path, "the database"
        elif path.suffix == ".db" and copy_readable(path, made):
            yield made, "what can be read of the database"
        elif path.suffix == ".sql" and load_readable(path, made):
            yield made, "what can be read of the SQL dump"


def _is_sound(path: Path) -> bool:
    try:
        return not check(path).integrity
    except SqliteVaultError:
        return False


def _described(path: Path, what: str, manifest: Manifest) -> _Found:
    tables = read_tables(path)
    recorded = manifest.tables
    differences = different_tables(recorded, tables) if recorded else ("there is no record to compare with",)
    return _Found(path, what, manifest, tables, differences)


def _placed(found: _Found, folder: Path, place: str) -> Salvaged:
    member = found.manifest.database_member or "database.db"
    found.path.rename(folder / member)
    return Salvaged(folder, found.manifest, f"{found.what} in {place}", found.tables, found.differences)


def _nothing(place: str, problem: str | None) -> IntegrityCheckFailed:
    return IntegrityCheckFailed(
        f"nothing can be read of {place}: {problem or 'it holds neither a database nor a dump'}",
        hint="Take an older backup: `sqlitevault list` shows them.",
    )
