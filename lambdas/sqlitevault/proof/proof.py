"""Proofs that a restored backup equals what was backed up. Each returns the checks that passed, or raises.

Restore uses them before it swaps anything in; verify and drill use them too.
"""

from collections.abc import Callable
from pathlib import Path

from sqlitevault.archive.members import STATISTICS
from sqlitevault.archive.unpacking import Unpacked, everything, unpack
from sqlitevault.catalog.drill_report import Check
from sqlitevault.catalog.manifest import Manifest, Table
from sqlitevault.database.checks import check
from sqlitevault.database.content import read_tables, schema_digest, statistics
from sqlitevault.dump.load import load_dump
from sqlitevault.ground.errors import ChecksumMismatch, IntegrityCheckFailed
from sqlitevault.ground.quantities import counted
from sqlitevault.ground.steps import Steps
from sqlitevault.vault.protocol import StoredObject, Vault

_TAKE_ANOTHER = "Take another backup, or this one's copy in the replica vault; `sqlitevault list` shows them."


def fetch(vault: Vault, archive: StoredObject, manifest: Manifest | None, target: Path, steps: Steps) -> Check:
    """Download the archive, in its version if it has one, and compare its SHA-256 with the manifest's.

    Raises:
        ChecksumMismatch: the vault holds other bytes than were backed up.
        BackupNotFound: the archive is gone.
        VaultUnavailable: the vault cannot be reached.
        ScratchFull: the disk is too small.
    """
    with steps.step("download", archive.bytes) as on_bytes:
        found = vault.download(archive.name, target, version=archive.version, on_bytes=on_bytes)
    if manifest is None or manifest.archive is None:
        return Check(name="archive", passed=True, detail=f"{archive.bytes:,} bytes; no manifest to compare with")
    if found != manifest.archive.sha256:
        raise ChecksumMismatch(
            f"{archive.name} has SHA-256 {found}, its manifest says {manifest.archive.sha256}", hint=_TAKE_ANOTHER
        )
    return Check(name="archive", passed=True, detail=f"{archive.bytes:,} bytes, SHA-256 as in the manifest")


def unpack_archive(
    archive: Path, into: Path, manifest: Manifest | None, steps: Steps, wanted: Callable[[str], bool] = everything
) -> Unpacked:
    """Unpack the wanted members, each compared with its recorded checksum.

    Raises:
        ArchiveUnsafe: it was not written by sqlitevault, or is an attack.
        ChecksumMismatch: a member is damaged.
        ManifestInvalid: its own manifest is not the one beside it.
        ScratchFull: the disk is too small.
    """
    with steps.step("unpack", archive.stat().st_size) as on_bytes:
        return unpack(archive, into, wanted=wanted, expected=manifest, on_bytes=on_bytes)


def prove_database(database: Path, manifest: Manifest, steps: Steps) -> tuple[Check, ...]:
    """Compare a restored database with what the manifest recorded: integrity, schema, row counts, content digests.

    Raises:
        IntegrityCheckFailed: something differs; the message says what.
        SourceUnsupported: it needs a newer SQLite than this one.
    """
    with steps.step("integrity check"):
        found = check(database)
    if found.integrity:
        raise IntegrityCheckFailed(
            f"integrity_check of the restored database says: {'; '.join(found.integrity[:3])}", hint=_TAKE_ANOTHER
        )
    integrity = Check(name="integrity_check", passed=True, detail="ok")
    violations = counted(len(found.foreign_keys), "violation")
    foreign_keys = Check(name="foreign_key_check", passed=True, detail=f"{violations}, as backed up")
    with steps.step("compare content"):
        content = _prove_content(database, manifest, "content")
    return (integrity, foreign_keys, content)


def prove_dump(sql: Path, scratch: Path, manifest: Manifest, steps: Steps) -> Check:
    """Load the SQL dump into a new database in `scratch` and compare its content.

    Raises:
        IntegrityCheckFailed: it does not load, or gives other content.
    """
    loaded = scratch / "from-dump.db"
    with steps.step("load SQL dump", sql.stat().st_size) as on_bytes:
        load_dump(sql, loaded, on_bytes=on_bytes, durable=False)
        return _prove_content(loaded, manifest, "SQL dump")


def prove_statistics(folder: Path, manifest: Manifest) -> tuple[Check, ...]:
    """Compare the row counts in `db_stats.txt` with the proven ones; empty if the archive has no such file.

    Raises:
        IntegrityCheckFailed: they differ, and would mislead people who read the file.
    """
    listed = folder / STATISTICS
    if not listed.exists() or any(table.digest is None for table in manifest.tables):
        return ()
    if listed.read_bytes() != statistics(manifest.tables):
        raise IntegrityCheckFailed(f"{STATISTICS} lists other row counts than were restored", hint=_TAKE_ANOTHER)
    return (Check(name=STATISTICS, passed=True, detail=f"{counted(len(manifest.tables), 'table')}, rows as restored"),)


def _prove_content(database: Path, manifest: Manifest, name: str) -> Check:
    tables = read_tables(database)
    differences = different_tables(manifest.tables, tables)
    if differences:
        raise IntegrityCheckFailed(f"{name} differs from the backup: {'; '.join(differences)}", hint=_TAKE_ANOTHER)
    recorded_schema = manifest.database.schema_digest if manifest.database else None
    if recorded_schema is not None and schema_digest(database) != recorded_schema:
        raise IntegrityCheckFailed(f"{name}: the schema differs from the backup's", hint=_TAKE_ANOTHER)
    rows = counted(sum(table.rows for table in tables), "row")
    what = "digests" if all(table.digest for table in manifest.tables) else "counts"
    return Check(name=name, passed=True, detail=f"{counted(len(tables), 'table')}, {rows}, {what} equal")


def different_tables(recorded: tuple[Table, ...], found: tuple[Table, ...]) -> tuple[str, ...]:
    """Describe each recorded table that is missing or different; a table without a digest is compared by its count.

    Additional tables are ignored if the record is incomplete: the original shell script counted only some.
    """
    now = {table.name: table for table in found}
    complete = bool(recorded) and all(table.digest for table in recorded)
    differences = [text for table in recorded if (text := _difference(table, now.get(table.name)))]
    if complete:
        known = {table.name for table in recorded}
        differences += [f"{name} was not in the backup" for name in now if name not in known]
    return tuple(differences)


def _difference(recorded: Table, found: Table | None) -> str | None:
    if found is None:
        return f"{recorded.name} is missing"
    if found.rows != recorded.rows:
        return f"{recorded.name} has {found.rows:,} rows instead of {recorded.rows:,}"
    if recorded.digest is not None and found.digest != recorded.digest:
        return f"{recorded.name} has other content"
    return None
