"""Drills: timed restores from only the vault to scratch, compared with what was backed up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sqlitevault.archive.unpacking import Unpacked
from sqlitevault.catalog.drill_report import Check, DrillReport
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
from sqlitevault.ground.quantities import counted
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps, Watcher
from sqlitevault.proof.own_checks import OwnCheck, ask, parse_own_checks
from sqlitevault.proof.proof import fetch, prove_database, prove_dump, prove_statistics, unpack_archive
from sqlitevault.site import Site
from sqlitevault.vault.protocol import Vault, whole_location

# Errors of a damaged backup. Any other (no network, no disk) says nothing about the backup and escapes.
DAMAGE: tuple[type[SqliteVaultError], ...] = (
    ArchiveUnsafe,
    BackupNotFound,
    ChecksumMismatch,
    IntegrityCheckFailed,
    ManifestInvalid,
    SourceCorrupt,
    SourceUnsupported,
)


def drill(site: Site, selected: Selected, watcher: Watcher | None = None, *, thorough: bool = True) -> DrillReport:
    """Restore the backup to scratch and prove it; a backup that cannot be proven gives a report that did not pass.

    A `thorough` drill also loads the SQL dump and asks the questions of DRILL_SQL.

    Raises:
        VaultUnavailable, ScratchFull: there was no drill, which says nothing about the backup.
    """
    drilled_at, steps = site.now(), Steps(watcher)
    run = _Drill(selected, steps, parse_own_checks(site.settings.drill_sql) if thorough else (), with_dump=thorough)
    with scratch_directory(site.settings.scratch) as scratch:
        run.prove(scratch)
    checks = tuple(run.checks)
    return DrillReport(
        backup_id=selected.label,
        vault=whole_location(selected.vault.location),
        drilled_at=drilled_at,
        passed=bool(checks) and all(check.passed for check in checks),
        recovery_seconds=run.recovery_seconds or steps.total_seconds,
        rto_seconds=site.settings.rto_seconds,
        steps=steps.seconds,
        checks=checks,
        unanswered=tuple(run.unanswered),
    )


def record(report: DrillReport, vault: Vault, replica: str | None = None) -> None:
    """Write the report into the vault, where `list` and restore look for it; `replica` is the replica's location.

    Raises:
        VaultUnavailable: it could not be written.
    """
    from_replica = replica is not None and report.held_in(replica)
    vault.replace(drill_report_name(report.backup_id, from_replica=from_replica), report.to_json())


@dataclass(slots=True)
class _Drill:
    selected: Selected
    steps: Steps
    own_checks: tuple[OwnCheck, ...]
    with_dump: bool
    checks: list[Check] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    recovery_seconds: float = 0.0

    def prove(self, scratch: Path) -> None:
        chosen, steps = self.selected, self.steps
        archive = scratch / PurePosixPath(chosen.archive.name).name
        unpacked: Unpacked | None = None
        with self.damage_noted("archive"):
            self.checks.append(fetch(chosen.vault, chosen.archive, chosen.manifest, archive, steps))
            with self.damage_noted("members"):
                unpacked = unpack_archive(archive, scratch / "unpacked", chosen.manifest, steps)
        if unpacked is not None:
            files = counted(len(unpacked.manifest.files), "file")
            self.checks.append(Check(name="members", passed=True, detail=f"{files}, all checksums correct"))
            archive.unlink()
            self.prove_unpacked(unpacked, scratch)

    def prove_unpacked(self, unpacked: Unpacked, scratch: Path) -> None:
        manifest, steps = unpacked.manifest, self.steps
        if manifest.corrupt:
            self.checks.append(Check(name="source", passed=False, detail="kept although its database was corrupt"))
        database = unpacked.database
        if database is None:
            self.recovery_seconds = steps.total_seconds
            return
        proven: tuple[Check, ...] = ()
        with self.damage_noted("database"):
            proven = prove_database(database, manifest, steps)
        self.recovery_seconds = steps.total_seconds
        self.checks += proven
        with self.damage_noted("statistics"):
            self.checks += prove_statistics(unpacked.folder, manifest)
        if proven and self.own_checks:
            with steps.step("own checks"):
                for own in self.own_checks:
                    self.ask(database, own)
        sql = database.with_suffix(".sql")
        if self.with_dump and sql.exists():
            with self.damage_noted("SQL dump"):
                self.checks.append(prove_dump(sql, scratch, manifest, steps))

    @contextmanager
    def damage_noted(self, name: str) -> Iterator[None]:
        """Record damage that the body finds as a failed check."""
        try:
            yield
        except DAMAGE as error:
            self.checks.append(Check(name=name, passed=False, detail=str(error)))

    def ask(self, database: Path, own: OwnCheck) -> None:
        """Ask one question; one that cannot be asked stops neither the others nor the report."""
        try:
            with self.damage_noted(own.query):
                self.checks.append(ask(database, own))
        except ConfigError as error:
            self.unanswered.append(str(error))
