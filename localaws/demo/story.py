"""The demo's chapters after the deployment. Each acts as AWS or an operator would, and records its claims."""

import json
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from localaws.demo.claims import Claims
from localaws.demo.narration import Narrator
from localaws.demo.world import PRIMARY, RECOVERY, STAGE, World, metrics
from localaws.functions.ledger import Ran
from localaws.sample import Activity, LedgerWriter, require_ledger
from sqlitevault.catalog.manifest import Manifest
from sqlitevault.database.checks import check
from sqlitevault.database.content import read_tables
from sqlitevault.ground.facts import BACKUPS, INBOX, MANIFEST_SUFFIX
from sqlitevault.ground.quantities import size

RPO_SECONDS, RTO_SECONDS = 3600, 900
BUSY_TIMEOUT_SECONDS = 5.0  # what SQLite applications usually wait for a lock
_SETTLE_SECONDS = 120.0


class BrokenStory(Exception):
    """A function failed, and the demo cannot continue without its result."""


class Story:
    """The demo on one deployed world."""

    def __init__(self, world: World, narrator: Narrator, claims: Claims) -> None:
        """Act on `world`."""
        self._world, self._narrator, self._claims = world, narrator, claims
        self._good: dict[str, Any] = {}
        self._staged: dict[str, Any] = {}

    def back_up(self) -> None:
        """The hourly schedule fires while a writer commits; drill and replication follow automatically."""
        self._narrator.chapter("A backup of the live database")
        with LedgerWriter(self._world.database) as writer:
            time.sleep(0.5)
            with self._narrator.step("hourly schedule fires") as step:
                at = datetime.now(UTC).replace(microsecond=0)
                self._fire("hourly", at)
                ran = self._require("backup")
                step.detail = f"{ran.function}, cold start {ran.init_seconds or 0:.1f} s, ran {ran.seconds:.1f} s"
            activity = writer.stop()
        self._good = ran.response
        self._show_backup(ran, activity)
        self._twice(at)
        self._show_drill()
        self._replica()

    def _show_backup(self, ran: Ran, activity: Activity) -> None:
        manifest = ran.response["manifest"]
        snapshot, archive = manifest["snapshot"], manifest["archive"]
        objects = self._world.versions(self._world.vault, PRIMARY)
        key = f"{BACKUPS}{ran.response['archive']}"
        say = self._narrator.say
        say(f"snapshot   {snapshot['method']}, attempt {snapshot['attempts']}, {snapshot['seconds']:.2f} s")
        say(f"writer     {activity.commits_per_second:.0f} commits/s, longest {activity.longest_commit_seconds:.3f} s")
        say(f"archive    s3://{self._world.vault}/{key}")
        say(f"           {size(archive['bytes'])} of {size(manifest['database']['bytes'])}, version {objects[key]}")
        say(f"manifest   {key.rsplit('/', 1)[-1]}{MANIFEST_SUFFIX}, version {objects[key + MANIFEST_SUFFIX]}")
        emitted = metrics(ran)
        say("metrics    " + ", ".join(f"{name} {value:g}" for name, value in sorted(emitted.items())))
        self._claims.add(
            "a backup of a live database",
            f"{activity.commits_per_second:.0f} commits/s meanwhile; the longest took "
            f"{activity.longest_commit_seconds:.2f} s",
            holds=activity.commits > 0 and activity.longest_commit_seconds < BUSY_TIMEOUT_SECONDS,
        )
        self._claims.add(
            "metrics are emitted", f"{len(emitted)} in the log (EMF)", holds=emitted.get("BackupSucceeded") == 1
        )

    def _twice(self, at: datetime) -> None:
        before = self._world.versions(self._world.vault, PRIMARY)
        with self._narrator.step("the same event again") as step:
            self._fire("hourly", at)
            again = self._require("backup").response
            after = self._world.versions(self._world.vault, PRIMARY)
            new = [key for key in after if "/hourly/" in key and before.get(key) != after[key]]
            step.detail = f"created: {again['created']}, {len(new)} new objects"
        self._claims.add("the same event twice makes one backup", step.detail, holds=not again["created"] and not new)

    def _show_drill(self) -> None:
        drilled = self._world.last("drill")
        passed = drilled.function_error is None and bool(drilled.response["passed"])
        for proof in drilled.response.get("checks", ()):
            self._narrator.say(f"drill      {proof['name']}: {proof['detail']}")
        self._claims.add(
            "the backup was restored and compared automatically",
            f"{len(drilled.response.get('checks', ()))} checks, recovery {drilled.response['recovery_seconds']:.2f} s",
            holds=passed and drilled.trigger == "event",
        )

    def _replica(self) -> None:
        with self._narrator.step("copy in the recovery region") as step:
            self._world.aws.control.settle(_SETTLE_SECONDS)
            here = self._world.versions(self._world.vault, PRIMARY)
            there = self._world.versions(self._world.replica, RECOVERY)
            step.detail = f"s3://{self._world.replica}: {len(there)} objects, the same versions"
        self._claims.add(
            f"every object has its copy in {RECOVERY}", f"{len(there)} of {len(here)}, same versions",
            holds=bool(here) and here == there,
        )  # fmt: skip

    def ingest(self) -> None:
        """An operator uploads a snapshot; it becomes a drilled backup."""
        self._narrator.chapter("An uploaded snapshot")
        upload = self._world.aws.state / self._world.database.name
        with closing(sqlite3.connect(self._world.database)) as live, closing(sqlite3.connect(upload)) as copy:
            live.backup(copy)
        with self._narrator.step(f"upload to {INBOX}") as step:
            key = f"{INBOX}{upload.name}"
            self._world.s3().put_object(
                Bucket=self._world.vault, Key=key, Body=upload.read_bytes(), ChecksumAlgorithm="SHA256"
            )
            self._world.aws.control.settle(_SETTLE_SECONDS)
            ran = self._require("ingest")
            step.detail = f"{ran.function} made {ran.response['backup_id']}"
        drilled = self._world.last("drill").response
        self._claims.add(
            "an uploaded snapshot becomes a backup", f"{ran.response['backup_id']}, drilled: {drilled['passed']}",
            holds=drilled["backup_id"] == ran.response["backup_id"] and drilled["passed"],
        )  # fmt: skip

    def watch(self) -> None:
        """The monitor runs; then an object is damaged by hand, and the next drill finds that."""
        self._narrator.chapter("Monitoring and a damaged backup")
        with self._narrator.step("monitor") as step:
            self._fire("monitor", datetime.now(UTC))
            seen = metrics(self._require("monitor"))
            step.detail = ", ".join(f"{name} {seen[name]:g}" for name in ("BackupAgeSeconds", "ReplicaAgeSeconds"))
        age = seen["ProvenBackupAgeSeconds"]
        self._claims.add("a proven backup within the RPO of 1 h", f"{age:.0f} s old", holds=age < RPO_SECONDS)
        quiet = self._alarming()
        self._claims.add("no alarm while everything works", ", ".join(quiet) or "none", holds=not quiet)
        self._damage()

    def _damage(self) -> None:
        newest = self._world.last("ingest").response
        key = f"{BACKUPS}{newest['archive']}"
        with self._narrator.step("an object is damaged by hand") as step:
            body = bytearray(self._world.s3().get_object(Bucket=self._world.vault, Key=key)["Body"].read())
            body[len(body) // 2] ^= 1
            self._world.s3().put_object(Bucket=self._world.vault, Key=key, Body=bytes(body), ChecksumAlgorithm="SHA256")
            drilled = self._world.invoke("drill", {"backup": newest["backup_id"]})
            step.detail = f"one bit of {newest['backup_id']}; the drill reports {drilled.report.get('errorType')}"
            self._world.aws.control.settle(_SETTLE_SECONDS)
        alarming = self._alarming()
        planned = self._world.invoke("restore", {"action": "plan"}).report
        self._narrator.say(f"alarms     {', '.join(alarming)}")
        self._narrator.say(f"restore    would use {planned['backup_id']}; skips {'; '.join(planned['skipped'])}")
        self._claims.add(
            "a damaged backup is found, raises an alarm, is skipped", f"alarm {', '.join(alarming)}",
            holds=drilled.report.get("errorType") == "DrillFailed"
            and f"sqlitevault-{STAGE}-DrillFailed" in alarming
            and planned["backup_id"] == self._good["backup_id"],
        )  # fmt: skip

    def restore(self) -> None:
        """The database is deleted and restored."""
        self._narrator.chapter("The database is lost")
        self._world.database.unlink()
        with self._narrator.step("restore: plan, stage, promote") as step:
            seconds = self._recover(PRIMARY)
            step.detail = f"{self._good['backup_id']} back on the file system, {seconds:.1f} s in all"
        self._prove("the lost database is restored", self._world.database, seconds)

    def lose_region(self) -> None:
        """The primary region is switched off; the recovery region restores from the replica."""
        self._narrator.chapter(f"{PRIMARY} is lost")
        self._world.aws.control.switch_off([PRIMARY])
        with self._narrator.step(f"restore in {RECOVERY}") as step:
            seconds = self._recover(RECOVERY)
            step.detail = f"only from s3://{self._world.replica}, {seconds:.1f} s in all"
        database = self._world.recovery_database()
        self._world.aws.control.switch_off([])
        self._prove(f"restored in {RECOVERY} without {PRIMARY}", database, seconds)

    def _recover(self, region: str) -> float:
        began = time.monotonic()
        for action in ("plan", "stage", "promote"):
            answer = self._world.invoke("restore", {"action": action}, region=region)
            if answer.error:
                raise BrokenStory(f"restore {action} in {region}: {json.dumps(answer.report)[:600]}")
            if action == "stage":
                self._staged = answer.report
        return time.monotonic() - began

    def _prove(self, promise: str, database: Path, seconds: float) -> None:
        manifest = Manifest.model_validate(self._good["manifest"])
        copy = self._world.aws.state / f"proof-{database.name}"
        shutil.copyfile(database, copy)
        sound = not check(copy).integrity
        tables = read_tables(copy)
        entries = require_ledger(copy)
        rows = sum(table.rows for table in tables)
        self._narrator.say(
            f"proof      integrity_check ok: {sound}; {len(tables)} tables, {rows:,} rows, digests equal"
        )
        self._narrator.say(f"           the writer's ledger is complete: {entries:,} entries, no gap, correct balances")
        self._claims.add(
            promise, f"{rows:,} rows equal by digest, {seconds:.1f} s of 15 min (RTO)",
            holds=sound and tables == manifest.tables and entries > 0 and seconds < RTO_SECONDS,
        )  # fmt: skip

    def check_failures(self) -> None:
        """The embedded AWS reports no failure except the intended ones."""
        failures = self._world.aws.control.failures()
        self._claims.add("nothing failed behind the scenes", "; ".join(failures) or "nothing", holds=not failures)

    def figures(self) -> dict[str, str]:
        """Return the sizes of the backup, and the times of its steps and the recovery's."""
        manifest = self._good["manifest"]
        database, archive = manifest["database"]["bytes"], manifest["archive"]["bytes"]
        return {
            "database": f"{size(database)}, archive {size(archive)} ({database / archive:.1f} : 1)",
            "backup": _seconds(self._good["seconds"], self._good["steps"]),
            "recovery": _seconds(self._staged["recovery_seconds"], self._staged["steps"]),
        }

    def _fire(self, schedule: str, at: datetime) -> None:
        self._world.aws.control.fire(schedule, region=PRIMARY, at=at)
        self._world.aws.control.settle(_SETTLE_SECONDS)

    def _require(self, verb: str) -> Ran:
        ran = self._world.last(verb)
        if ran.function_error is not None:
            raise BrokenStory(f"{ran.function} failed: {ran.response}\n{ran.log[-1500:]}")
        return ran

    def _alarming(self) -> list[str]:
        changes = self._world.aws.control.evaluate_alarms(datetime.now(UTC) + timedelta(seconds=1))
        return [change.name for change in changes if change.after == "ALARM"]


def _seconds(total: float, steps: dict[str, float]) -> str:
    parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in steps.items())
    return f"{total:.2f} s: {parts}"
