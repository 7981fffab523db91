"""Prove that a backup restores: from the vault alone, to scratch, compared with what was backed up, and timed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TypeVar

from sqlitevault.archive.unpacking import Unpacked
from sqlitevault.catalog.drill_report import Check, DrillReport
from sqlitevault.catalog.manifest import Manifest
from sqlitevault.catalog.names import drill_report_name
from sqlitevault.catalog.selection import Selected
from sqlitevault.ground.errors import (
    ArchiveUnsafe,
    BackupNotFound,
    ChecksumMismatch,
    ConfigError,
    IntegrityCheckFailed,
    ManifestInvalid,
    SourceCorrupt,
    SourceUnsupported,
    SqliteVaultError,
)
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.settings import Settings
from sqlitevault.ground.steps import Steps, Watcher
from sqlitevault.proof.own_checks import OwnCheck, parse_own_checks
from sqlitevault.proof.proof import (
    ask_own_check,
    fetch,
    prove_database,
    prove_dump,
    prove_statistics,
    unpack_archive,
)
from sqlitevault.vault.protocol import Vault, whole_location

_Found = TypeVar("_Found")

# What a damaged backup raises; anything else (no network, no disk) says nothing about the backup and escapes.
DAMAGE: tuple[type[SqliteVaultError], ...] = (
    ArchiveUnsafe,
    BackupNotFound,
    ChecksumMismatch,
    IntegrityCheckFailed,
    ManifestInvalid,
    SourceCorrupt,
    SourceUnsupported,
)


@dataclass(frozen=True, slots=True)
class DrillRequest:
    """One backup to prove. `with_dump` also loads the SQL dump; `rto_seconds` is what recovery may take.

    `own_checks` are the operator's own questions to the restored database.
    """

    selected: Selected
    drilled_at: datetime
    rto_seconds: int
    with_dump: bool = True
    own_checks: tuple[OwnCheck, ...] = ()
    scratch: Path | None = None

    @classmethod
    def of(cls, selected: Selected, drilled_at: datetime, settings: Settings) -> "DrillRequest":
        """Return the request for a whole drill as the settings say."""
        own_checks = parse_own_checks(settings.drill_sql)
        return cls(selected, drilled_at, settings.rto_seconds, own_checks=own_checks, scratch=settings.scratch)


def drill(request: DrillRequest, watcher: Watcher | None = None) -> DrillReport:
    """Restore the backup to scratch and prove it; a backup that cannot be proven gives a report that did not pass.

    Raises:
        VaultUnavailable, ScratchFull: the drill could not be held, which says nothing about the backup.
    """
    steps = Steps(watcher)
    findings = _Findings()
    with scratch_directory(request.scratch) as scratch:
        _prove(request, scratch, steps, findings)
    checks = tuple(findings.checks)
    return DrillReport(
        backup_id=request.selected.label,
        vault=whole_location(request.selected.vault.location),
        drilled_at=request.drilled_at,
        passed=bool(checks) and all(check.passed for check in checks),
        recovery_seconds=findings.recovery_seconds or steps.total_seconds,
        rto_seconds=request.rto_seconds,
        steps=steps.seconds,
        checks=checks,
        unanswered=tuple(findings.unanswered),
    )


def record(report: DrillReport, vault: Vault, replica: str | None = None) -> None:
    """Write the report beside the vault's backups, where `list` and restore look; `replica` is where that is.

    Raises:
        VaultUnavailable: it could not be written.
    """
    from_replica = replica is not None and report.held_in(replica)
    vault.replace(drill_report_name(report.backup_id, from_replica=from_replica), report.to_json())


@dataclass(slots=True)
class _Findings:
    checks: list[Check] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    recovery_seconds: float = 0.0

    def attempt(self, name: str, prove: Callable[[], _Found]) -> _Found | None:
        """Run one proof; damage becomes a check that did not pass."""
        try:
            return prove()
        except DAMAGE as error:
            self.checks.append(Check(name=name, passed=False, detail=str(error)))
            return None

    def ask(self, database: Path, own: OwnCheck) -> None:
        """Ask one question; what could not be asked stops neither the others nor the report."""
        try:
            asked = self.attempt(own.query, lambda: ask_own_check(database, own))
        except ConfigError as error:
            self.unanswered.append(str(error))
            return
        self.checks.extend([asked] if asked else [])


def _prove(request: DrillRequest, scratch: Path, steps: Steps, findings: _Findings) -> None:
    selected = request.selected
    archive = scratch / PurePosixPath(selected.archive.name).name
    fetched = findings.attempt(
        "archive", lambda: fetch(selected.vault, selected.archive, selected.manifest, archive, steps)
    )
    if fetched is None:
        return
    findings.checks.append(fetched)
    unpacked = findings.attempt(
        "members", lambda: unpack_archive(archive, scratch / "unpacked", selected.manifest, steps)
    )
    if unpacked is None:
        return
    count = len(unpacked.manifest.files)
    findings.checks.append(Check(name="members", passed=True, detail=f"{count} files, each checksum right"))
    archive.unlink()
    _prove_unpacked(request, unpacked, scratch, steps, findings)


def _prove_unpacked(
    request: DrillRequest, unpacked: Unpacked, scratch: Path, steps: Steps, findings: _Findings
) -> None:
    manifest = unpacked.manifest
    if manifest.corrupt:
        findings.checks.append(Check(name="source", passed=False, detail="kept although its database was corrupt"))
    database = database_in(unpacked.folder, manifest)
    if database is None:
        findings.recovery_seconds = steps.total_seconds
        return
    proven = findings.attempt("database", lambda: prove_database(database, manifest, steps))
    findings.recovery_seconds = steps.total_seconds
    findings.checks.extend(proven or ())
    told = findings.attempt("statistics", lambda: prove_statistics(unpacked.folder, manifest))
    findings.checks.extend([told] if told else [])
    if proven and request.own_checks:
        with steps.step("own checks"):
            for own in request.own_checks:
                findings.ask(database, own)
    sql = database.with_suffix(".sql")
    if request.with_dump and sql.exists():
        loaded = findings.attempt("SQL dump", lambda: prove_dump(sql, scratch, manifest, steps))
        findings.checks.extend([loaded] if loaded else [])


def database_in(folder: Path, manifest: Manifest) -> Path | None:
    """Return the unpacked database; None if the backup holds none, or it was not unpacked."""
    member = manifest.database_member
    path = folder / member if member else None
    return path if path is not None and path.exists() else None
