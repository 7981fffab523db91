"""The checks of the readiness checklist: each reads its evidence and returns a line."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import ClassVar

from sqlitevault.catalog.catalog import Backup, read_again
from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.ground import facts
from sqlitevault.ground.alarm_table import Group, Targets, database_alarms
from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.quantities import duration, is_ahead
from sqlitevault.ground.report import Moment, Report, Seconds
from sqlitevault.site import Site
from sqlitevault.vault.protocol import Vault
from sqlitevault.watch.alarms import Alarm, missing_alarms
from sqlitevault.watch.monitor import MonitorReport, backups_of, missing_tiers, objects_without_copy, replica_drills

ReadAlarms = Callable[[], tuple[Alarm, ...] | None]
_DRILL_LIMIT = timedelta(days=30)
_RUNBOOK_LIMIT = timedelta(days=90)
# The monitor runs every 15 minutes; it may miss one run.
_MONITOR_LIMIT = timedelta(minutes=35)

# The pages of docs/runbooks.
RUNBOOKS = (
    *("accidental-deletion", "breach", "cluster-lost", "corruption", "drill-failed", "function-errors", "no-backup"),
    *("ransomware", "recovery-slow", "region-lost", "replica-behind", "server-lost"),
)


class Status(StrEnum):
    """The result of a check."""

    OK = "ok"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


class Line(Report):
    """One line of the checklist: its proof in words, and the age of that proof."""

    name: str = ""
    status: Status
    proof: str
    age_seconds: Seconds | None = None

    @property
    def age(self) -> str:
        """The age in words; empty where it has no meaning."""
        return "" if self.age_seconds is None else duration(self.age_seconds)


class RunbookTest(Report):
    """When a runbook was last tested: the only evidence that people enter by hand. `name`: its file, without `.md`."""

    title: ClassVar[str] = "a runbook record in the vault"
    if_invalid: ClassVar[str] = "Write it again: `sqlitevault readiness --runbook-tested NAME`."
    name: str
    tested_at: Moment


def record_test(test: RunbookTest, vault: Vault) -> str:
    """Write the record to the vault; return its name there.

    Raises:
        ConfigError: there is no such runbook.
        VaultUnavailable: it could not be written.
    """
    if test.name not in RUNBOOKS:
        raise ConfigError(f"there is no runbook {test.name!r}", hint=f"There are: {', '.join(RUNBOOKS)}.")
    name = f"{facts.RUNBOOK_TESTS}{test.name}.json"
    vault.replace(name, test.to_json())
    return name


@dataclass(frozen=True)
class Evidence:
    """The site to check, and its backups, newest first, read once. `read_alarms` returns the deployed alarms."""

    site: Site
    now: datetime
    backups: tuple[Backup, ...]
    read_alarms: ReadAlarms

    @property
    def databases(self) -> list[Backup]:
        """The backups that hold the database."""
        return [backup for backup in self.backups if backup.manifest.database is not None]

    @property
    def proven(self) -> list[Backup]:
        """The backups of the database that were proven."""
        return [backup for backup in self.databases if backup.proven]

    @cached_property
    def monitor_report(self) -> MonitorReport | None:
        """The monitor's last report, if there is one."""
        vault = self.site.vault
        found = [entry for entry in vault.objects(facts.MONITOR_REPORT) if entry.name == facts.MONITOR_REPORT]
        return read_again(vault, found[0], MonitorReport.from_json) if found else None

    def rpo(self, grace: timedelta = timedelta()) -> timedelta:
        """Return the RPO plus a grace."""
        return timedelta(seconds=self.site.settings.rpo_seconds) + grace

    def line(self, at: datetime, limit: timedelta, proof: str, problems: Sequence[str] = ()) -> Line:
        """Return a line on evidence of `at`: it fails if that is older than `limit`, or if there are problems."""
        age, wrong = self.now - at, list(problems)
        if age > limit:
            wrong.append(f"older than {limit.days} days" if limit.days else f"older than {limit.seconds // 60} minutes")
        if is_ahead(at, self.now):
            wrong.append("dated in the future")
        status = Status.FAILED if wrong else Status.OK
        return Line(status=status, proof="; ".join([*wrong, proof]), age_seconds=age.total_seconds())

    def monitored_line(self, proof: str, problems: Sequence[str]) -> Line:
        """Return a line that also needs a recent run of the monitor."""
        if self.monitor_report is None:
            return _failed("; ".join([*problems, "the monitor has written no report"]))
        return self.line(self.monitor_report.at, _MONITOR_LIMIT, proof, problems)


def _not_applicable(why: str) -> Line:
    return Line(status=Status.NOT_APPLICABLE, proof=why)


def _failed(why: str) -> Line:
    return Line(status=Status.FAILED, proof=why)


def schedule(found: Evidence) -> Line:
    """The newest proven backup is within the RPO, and no tier is overdue."""
    if not found.proven:
        return _failed("no backup has been proven")
    newest = found.proven[0]
    overdue = missing_tiers(found.backups, found.now, every_tier=found.site.vault.capabilities.deployed)
    problems = [f"the {tier} backup is overdue" for tier in overdue]
    return found.line(newest.manifest.created_at, found.rpo(), f"newest proven backup: {newest.id}", problems)


def off_site(found: Evidence) -> Line:
    """The replica's newest backup is within the RPO and the time of replication; no copy has failed."""
    replica = found.site.replica
    if replica is None and not found.site.vault.capabilities.replicates:
        return _not_applicable("a directory has no replica of its own; REPLICA_URI names a copy to check")
    if replica is None:
        return _failed("REPLICA_URI names no replica")
    copies = [one for one in backups_of(replica, found.site.database_name) if one.manifest.database is not None]
    if not copies:
        return _failed(f"there is no copy in {replica.location}")
    left = objects_without_copy(found.site.vault, replica, found.now)
    problems = [f"{entry.name} was not copied: {entry.status}" for entry in left if entry.status != "PENDING"]
    proof = f"newest copy: {copies[0].id} in {replica.location}"
    return found.line(copies[0].manifest.created_at, found.rpo(facts.REPLICATION_PROMISE), proof, problems)


def alarms_armed(found: Evidence) -> Line:
    """Every alarm of the table on this database's metrics is deployed, armed and subscribed to; the monitor runs."""
    watching = found.read_alarms()
    if watching is None:
        return _not_applicable("a directory has no AWS alarms; see docs/monitoring/prometheus-rules.yml")
    table = database_alarms(Targets(found.site.settings.rpo_seconds, found.site.settings.rto_seconds))
    required = [spec for spec in table if found.site.replica is not None or spec.group is not Group.COPIES]
    problems = [
        *missing_alarms((spec for spec in required if isinstance(spec.metric, facts.Metric)), watching),
        *_named("not armed", (alarm.name for alarm in watching if not alarm.armed)),
        *_named("without a confirmed subscription", (alarm.name for alarm in watching if not alarm.listeners)),
    ]
    good = "" if problems else " armed, each with a confirmed subscription"
    firing = _named("firing now", (alarm.name for alarm in watching if alarm.firing))
    proof = "; ".join([f"{len(watching)} alarms{good}", *firing, "last run of the monitor"])
    return found.monitored_line(proof, problems)


def drill(found: Evidence) -> Line:
    """A drill has passed within 30 days, and recovery took no longer than the RTO."""
    drills = [backup.drill for backup in found.proven if backup.drill]
    return _newest_drill(found, drills, _DRILL_LIMIT) if drills else _failed("no drill has passed")


def last_cycle(found: Evidence) -> Line:
    """The newest backup was drilled; one that is only minutes old may still be waiting for its drill."""
    if not found.databases:
        return _failed("there is no backup of the database")
    due = found.now - facts.RPO_GRACE
    settled = [backup for backup in found.databases if backup.drill or backup.manifest.created_at < due]
    newest = settled[0] if settled else found.databases[0]
    wrong = f"{newest.id}: {newest.changed}" if newest.changed else None
    if newest.drill is None:
        wrong = f"{newest.id} was not drilled"
    elif not newest.drill.passed:
        wrong = f"the drill of {newest.id} failed"
    if wrong is not None:
        age = found.now - newest.manifest.created_at
        return Line(status=Status.FAILED, proof=wrong, age_seconds=age.total_seconds())
    return found.line(newest.manifest.created_at, found.rpo(facts.RPO_GRACE), f"{newest.id} was restored and compared")


def replica_drill(found: Evidence) -> Line:
    """A drill that read only the replica has passed within a month and the RTO."""
    replica = found.site.replica
    if replica is None:
        return _not_applicable("there is no replica to drill from")
    drills = replica_drills(replica, backups_of(replica, found.site.database_name))
    if not drills:
        return _failed(f"no drill from {replica.location} has passed")
    return _newest_drill(found, drills, facts.REPLICA_DRILL_OVERDUE_AFTER, f" from {replica.location}")


def _newest_drill(found: Evidence, drills: Iterable[DrillReport], limit: timedelta, origin: str = "") -> Line:
    newest, rto = max(drills, key=lambda one: one.drilled_at), found.site.settings.rto_seconds
    slow = [f"recovery took longer than the RTO of {rto} s"] if newest.recovery_seconds > rto else []
    proof = f"{newest.backup_id} recovered{origin} in {newest.recovery_seconds:.1f} s"
    return found.line(newest.drilled_at, limit, proof, slow)


def key_metadata(found: Evidence) -> Line:
    """The newest proven backup lists the API keys in a file of its own."""
    keys = found.site.profile.keys
    if keys is None:
        return _not_applicable(f"the application profile {found.site.profile.name} names no table of API keys")
    if not found.proven:
        return _failed("no backup has been proven")
    manifest = found.proven[0].manifest
    if not any(table.name == keys.table for table in manifest.tables):
        return _not_applicable(f"the database has no table {keys.table}")
    missing = [] if any(file.path == keys.member for file in manifest.files) else ["missing"]
    return found.line(manifest.created_at, _DRILL_LIMIT, f"{keys.member} in {manifest.backup_id}", missing)


def protection(found: Evidence) -> Line:
    """Versioning, lock and lifecycle are set now, as deployed if that is known, and the monitor saw no drift."""
    if not found.site.vault.capabilities.has_versions:
        return _not_applicable("a directory has neither lock nor lifecycle rules; BACKUP_RETAIN limits what it keeps")
    expected, now = found.site.expected_protection, found.site.vault.protection()
    problems = [] if now.versioned else ["not versioned"]
    problems += ["no default lock"] if now.lock_mode is None or now.lock_days is None else []
    problems += [] if now.expiry_days else ["nothing expires"]
    problems += expected.differences(now) if expected else ()
    problems += found.monitor_report.drift if found.monitor_report else ()
    kept = ", ".join(f"{prefix} {days} d" for prefix, days in now.expiry_days)
    proof = f"versioned, {now.lock_mode} lock of {now.lock_days} d, kept: {kept}; compared by the monitor"
    return found.monitored_line(proof, problems)


def runbook(found: Evidence) -> Line:
    """A runbook was tested within 90 days."""
    vault = found.site.vault
    entries = (entry for entry in vault.objects(facts.RUNBOOK_TESTS) if entry.name.endswith(".json"))
    tests = [read_again(vault, entry, RunbookTest.from_json) for entry in entries]
    if not tests:
        return _failed("no runbook was ever tested: `sqlitevault readiness --runbook-tested NAME` records a test")
    newest = max(tests, key=lambda test: test.tested_at)
    return found.line(newest.tested_at, _RUNBOOK_LIMIT, f"newest test: {newest.name}")


def _named(problem: str, names: Iterable[str]) -> list[str]:
    listed = ", ".join(names)
    return [f"{problem}: {listed}"] if listed else []
