"""Salvage what can be read of a backup of which no copy can be proven.

Only on request. The result is a sound database with unproven content, and marked as such.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sqlitevault.archive.salvage import unpack_readable
from sqlitevault.catalog.drill_report import Check
from sqlitevault.catalog.manifest import Manifest, Table
from sqlitevault.database.checks import check
from sqlitevault.database.content import read_tables
from sqlitevault.database.salvage import copy_readable
from sqlitevault.dump.load import load_readable
from sqlitevault.ground.errors import IntegrityCheckFailed, SqliteVaultError
from sqlitevault.ground.quantities import counted
from sqlitevault.proof.proof import different_tables


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A sound database, its tables, and their `differences` from the recorded content; none if they are equal."""

    database: Path
    source: str
    manifest: Manifest
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
            detail = f"{counted(self.rows, 'row')} from {self.source}, digests equal"
            return Check(name="salvaged", passed=True, detail=detail)
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
    found = _candidates(readable.folder, into) if readable.folder and known else ()
    made = [_described(path, f"{what} in {place}", known) for path, what in found if known]
    if not made:
        raise IntegrityCheckFailed(
            f"nothing can be read of {place}: {readable.problem or 'it holds neither a database nor a dump'}",
            hint="Take an older backup: `sqlitevault list` shows them.",
        )
    best = min(made, key=lambda found: (len(found.differences) > 0, -found.rows))
    (into / "salvaged").mkdir()
    named = into / "salvaged" / (best.manifest.database_member or "database.db")
    return replace(best, database=best.database.rename(named))


def _candidates(folder: Path, into: Path) -> Iterator[tuple[Path, str]]:
    for number, path in enumerate(sorted(folder.iterdir())):
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


def _described(path: Path, source: str, manifest: Manifest) -> Salvaged:
    tables, recorded = read_tables(path), manifest.tables
    differences = different_tables(recorded, tables) if recorded else ("there is no record to compare with",)
    return Salvaged(path, source, manifest, tables, differences)
