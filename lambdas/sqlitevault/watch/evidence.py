"""The evidence behind each line of the readiness checklist: what was found, how old it is, whether it will do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlitevault.catalog.catalog import Backup
from sqlitevault.ground.alarm_table import Group, Targets, database_alarms
from sqlitevault.ground.facts import (
    MONITOR_REPORT,
    RECORD_LIMIT,
    REPLICA_DRILL_OVERDUE_AFTER,
    REPLICATION_PROMISE,
    RPO_GRACE,
    Metric,
)
from sqlitevault.ground.quantities import duration, is_ahead
from sqlitevault.ground.report import Report, Seconds
from sqlitevault.site import Site
from sqlitevault.vault.protocol import Vault
from sqlitevault.watch import runbook_test
from sqlitevault.watch.alarms import Alarms, missing_alarms
from sqlitevault.watch.monitor import MonitorReport, backups_of, missing_tiers, objects_without_copy

DRILL_LIMIT = timedelta(days=30)
RUNBOOK_LIMIT = timedelta(days=90)
# The monitor looks every 15 minutes; one missed look may happen.
_MONITOR_LIMIT = timedelta(minutes=35)


class Status(StrEnum):
    """What a line says."""

    OK = "ok"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


class Line(Report):
    """One line of the checklist: its proof in words, and how old that proof is."""

    name: str = ""
    status: Status
    proof: str
    age_seconds: Seconds | None = None

    @property
    def age(self) -> str:
        """The age in words; empty where it has no meaning."""
        return "" if self.age_seconds is None else duration(self.age_seconds)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The site to judge, and its backups of the database, newest first, read once."""

    site: Site
    now: datetime
    backups: tuple[Backup, ...]

    @property
    def databases(self) -> list[Backup]:
        """The backups that hold the database."""
        return [backup for backup in self.backups if backup.manifest.database is not None]


def _not_applicable(why: str) -> Line:
    """Return a line that says why it does not apply."""
    return Line(status=Status.NOT_APPLICABLE, proof=why)


def schedule(found: Evidence) -> Line:
    """The newest proven backup is within the RPO, and no tier is overdue: of those seen, or of all."""
    proven = _proven(found.databases)
    if not proven:
        return _failed("no backup has been proven")
    overdue = missing_tiers(found.backups, found.now, every_tier=found.site.vault.capabilities.deployed)
    problems = [f"no {tier} backup when one was due" for tier in overdue]
    newest = proven[0]
    limit = timedelta(seconds=found.site.settings.rpo_seconds)
    return _aged(found, newest.manifest.created_at, limit, f"newest proven backup: {newest.id}", problems)


def off_site(found: Evidence) -> Line:
    """The replica's newest backup is within the RPO and the time that a copy may take; no copy has failed."""
    replica = found.site.replica
    if replica is None and not found.site.vault.capabilities.replicates:
        return _not_applicable("a directory has no replica of its own; REPLICA_URI names a copy to judge")
    if replica is None:
        return _failed("REPLICA_URI names no replica")
    copies = [one for one in backups_of(replica, found.site.database_name) if one.manifest.database is not None]
    if not copies:
        return _failed(f"there is no copy in {replica.location}")
    left = objects_without_copy(found.site.vault, replica, found.now)
    problems = [f"{entry.name} was not copied: {entry.status}" for entry in left if entry.status != "PENDING"]
    limit = timedelta(seconds=found.site.settings.rpo_seconds) + REPLICATION_PROMISE
    proof = f"newest copy: {copies[0].id} in {replica.location}"
    return _aged(found, copies[0].manifest.created_at, limit, proof, problems)


def alarms_armed(found: Evidence, alarms: Alarms | None) -> Line:
    """Every alarm of the table on this database's metrics is deployed, armed and subscribed to; the monitor runs."""
    if alarms is None:
        return _not_applicable("a directory has no alarms of AWS; see docs/monitoring/prometheus-rules.yml")
    watching = alarms.watching(found.site.database_name)
    table = database_alarms(Targets(found.site.settings.rpo_seconds, found.site.settings.rto_seconds))
    required = [spec for spec in table if found.site.replica is not None or spec.group is not Group.COPIES]
    problems = [*missing_alarms((spec for spec in required if isinstance(spec.metric, Metric)), watching)]
    problems += _named("not armed", (alarm.name for alarm in watching if not alarm.armed))
    problems += _named("without a confirmed subscription", (alarm.name for alarm in watching if not alarm.listeners))
    report = _monitor_report(found.site.vault)
    if report is None:
        return _failed("; ".join([*problems, "the monitor has left no report"]))
    firing = _named("firing now", (alarm.name for alarm in watching if alarm.firing))
    good = "" if problems else " armed, each with a confirmed subscription"
    proof = "; ".join([f"{len(watching)} alarms{good}", *firing])
    return _aged(found, report.at, _MONITOR_LIMIT, f"{proof}; last look of the monitor", problems)


def drill(found: Evidence) -> Line:
    """A drill has passed within 30 days, and recovery took no longer than the RTO."""
    proven = [(backup.drill.drilled_at, backup) for backup in found.databases if backup.drill and backup.proven]
    if not proven:
        return _failed("no drill has passed")
    held_at, backup = max(proven, key=lambda held: held[0])
    seconds = backup.drill.recovery_seconds if backup.drill else 0.0
    return _aged(found, held_at, DRILL_LIMIT, f"{backup.id} recovered in {seconds:.1f} s", _late(found, seconds))


def last_cycle(found: Evidence) -> Line:
    """The newest backup was drilled; one that is only minutes old may still be waiting for it."""
    if not found.databases:
        return _failed("there is no backup of the database")
    due = found.now - RPO_GRACE
    settled = [backup for backup in found.databases if backup.drill or backup.manifest.created_at < due]
    newest = settled[0] if settled else found.databases[0]
    age = (found.now - newest.manifest.created_at).total_seconds()
    if newest.drill is None:
        return Line(status=Status.FAILED, proof=f"{newest.id} was not drilled", age_seconds=age)
    if not newest.drill.passed:
        return Line(status=Status.FAILED, proof=f"the drill of {newest.id} failed", age_seconds=age)
    if newest.changed is not None:
        return Line(status=Status.FAILED, proof=f"{newest.id}: {newest.changed}", age_seconds=age)
    limit = timedelta(seconds=found.site.settings.rpo_seconds) + RPO_GRACE
    return _aged(found, newest.manifest.created_at, limit, f"{newest.id} was restored and compared")


def replica_drill(found: Evidence) -> Line:
    """A drill from only the replica has passed within the month and the RTO: the copy restores without the vault."""
    replica = found.site.replica
    if replica is None:
        return _not_applicable("there is no replica to drill from")
    location = replica.location
    held = [
        backup.drill
        for backup in backups_of(replica, found.site.database_name)
        if backup.proven and backup.drill and backup.drill.held_in(location)
    ]
    if not held:
        return _failed(f"no drill from {location} has passed")
    newest = max(held, key=lambda drill: drill.drilled_at)
    proof = f"{newest.backup_id} recovered from {location} in {newest.recovery_seconds:.1f} s"
    return _aged(found, newest.drilled_at, REPLICA_DRILL_OVERDUE_AFTER, proof, _late(found, newest.recovery_seconds))


def key_metadata(found: Evidence) -> Line:
    """The newest proven backup lists the API keys in a file of its own."""
    keys = found.site.profile.keys
    if keys is None:
        return _not_applicable(f"the application profile {found.site.profile.name} names no table of API keys")
    proven = _proven(found.databases)
    if not proven:
        return _failed("no backup has been proven")
    manifest = proven[0].manifest
    if not any(table.name == keys.table for table in manifest.tables):
        return _not_applicable(f"the database has no table {keys.table}")
    missing = [] if any(file.path == keys.member for file in manifest.files) else ["missing"]
    return _aged(found, manifest.created_at, DRILL_LIMIT, f"{keys.member} in {manifest.backup_id}", missing)


def protection(found: Evidence) -> Line:
    """Versioning, lock and lifecycle are set now, as deployed where known, and the monitor has seen no drift."""
    if not found.site.vault.capabilities.has_versions:
        return _not_applicable("a directory has neither lock nor lifecycle rules; BACKUP_RETAIN clears it")
    expected, now = found.site.expected_protection, found.site.vault.protection()
    problems = [
        problem
        for problem, here in (
            ("not versioned", now.versioned),
            ("no default lock", now.lock_mode is not None and now.lock_days is not None),
            ("nothing expires", bool(now.expiry_days)),
        )
        if not here
    ]
    problems += expected.differences(now) if expected else ()
    report = _monitor_report(found.site.vault)
    if report is None:
        return _failed("; ".join([*problems, "the monitor has left no report"]))
    problems += report.drift
    kept = ", ".join(f"{prefix} {days} d" for prefix, days in now.expiry_days)
    proof = f"versioned, {now.lock_mode} lock of {now.lock_days} d, kept: {kept}; compared by the monitor"
    return _aged(found, report.at, _MONITOR_LIMIT, proof, problems)


def runbook(found: Evidence) -> Line:
    """Somebody has walked through a runbook within 90 days."""
    test = runbook_test.newest(found.site.vault)
    if test is None:
        return _failed("no runbook was ever tested: `sqlitevault readiness --runbook-tested NAME` records it")
    return _aged(found, test.tested_at, RUNBOOK_LIMIT, f"newest test: {test.name}")


def _proven(backups: Iterable[Backup]) -> list[Backup]:
    return [backup for backup in backups if backup.proven]


def _late(found: Evidence, seconds: float) -> list[str]:
    rto = found.site.settings.rto_seconds
    return [f"recovery took longer than the RTO of {rto} s"] if seconds > rto else []


def _monitor_report(vault: Vault) -> MonitorReport | None:
    if not any(entry.name == MONITOR_REPORT for entry in vault.objects(MONITOR_REPORT)):
        return None
    return MonitorReport.from_json(vault.read(MONITOR_REPORT, limit=RECORD_LIMIT))


def _named(what: str, names: Iterable[str]) -> list[str]:
    listed = ", ".join(names)
    return [f"{what}: {listed}"] if listed else []


def _failed(why: str) -> Line:
    return Line(status=Status.FAILED, proof=why)


def _aged(found: Evidence, moment: datetime, limit: timedelta, proof: str, problems: Sequence[str] = ()) -> Line:
    age = found.now - moment
    wrong = list(problems)
    if age > limit:
        wrong.append(f"older than {_words(limit)}")
    if is_ahead(moment, found.now):
        wrong.append("dated in the future")
    return Line(
        status=Status.FAILED if wrong else Status.OK,
        proof="; ".join([*wrong, proof]) if wrong else proof,
        age_seconds=age.total_seconds(),
    )


def _words(limit: timedelta) -> str:
    return f"{limit.days} days" if limit.days else f"{limit.total_seconds() / 60:.0f} minutes"
