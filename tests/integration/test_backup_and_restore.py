"""Backup, drill and restore from a live database to a directory vault and back."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sqlitevault.backup.backup import BackupReport, Order, back_up
from sqlitevault.backup.prune import prune
from sqlitevault.catalog.catalog import Catalog
from sqlitevault.catalog.drill_report import DrillReport
from sqlitevault.catalog.manifest import Manifest, Scope
from sqlitevault.catalog.selection import Choice, select, select_by_name
from sqlitevault.ground.errors import (
    BackupNotFound,
    ChecksumMismatch,
    ConfigError,
    IntegrityCheckFailed,
    SourceCorrupt,
    SourceNotFound,
    SqliteVaultError,
    TargetInUse,
)
from sqlitevault.proof.drill import drill, record
from sqlitevault.restore.plan import plan
from sqlitevault.restore.promote import promote
from sqlitevault.restore.stage import StageReport, stage
from sqlitevault.vault.directory import DirectoryVault
from tests.databases import execute, make_bank, require_bank, rows, writer
from tests.sites import at, changed, make_site

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class Home:
    """A database, its configuration and a directory vault."""

    def __init__(self, root: Path) -> None:
        """Make a small bank with a compose file and an `.env`."""
        self.root = root
        self.database = make_bank(root / "data" / "devops_hub.db")
        (root / "docker-compose.yml").write_text("services:\n  app:\n    image: devops-hub:1\n")
        (root / ".env").write_text("API_TOKEN=very-secret\nPORT=8100\n")
        self.scratch = root / "scratch"
        self.site = make_site(self.database, DirectoryVault(root / "backups"), at=NOW, scratch=self.scratch)
        self.vault = self.site.vault

    def back_up(self, at: datetime = NOW, **changes: Any) -> BackupReport:
        """Take a backup."""
        return back_up(self.site, Order(created_at=at, **changes))

    def drill(self, backup_id: str | None = None, **settings: object) -> DrillReport:
        """Drill one backup, or the newest."""
        return drill(changed(self.site, **settings), select(self.vault, Choice(backup_id=backup_id)))

    def stage(self, backup_id: str | None = None, *, scope: Scope = Scope.DATABASE) -> StageReport:
        """Stage one backup, or the newest."""
        return stage(self.site, select(self.vault, Choice(backup_id=backup_id)), scope=scope)

    def archive(self, report: BackupReport) -> Path:
        """Return the archive's path."""
        return self.root / "backups" / report.archive


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A database that can be backed up."""
    return Home(tmp_path)


def test_a_backup_restores_to_the_same_content(home: Home) -> None:
    """A lost database is restored with the same rows, proven before it is swapped in."""
    report = home.back_up()
    home.database.unlink()
    staged = home.stage(scope=Scope.ALL)
    assert {check.name for check in staged.checks} == {"archive", "integrity_check", "foreign_key_check", "content"}
    promoted = promote(home.site, staged.backup_id)
    assert promoted.backup_id == report.backup_id
    assert promoted.kept is None
    assert require_bank(home.database) == 500


def test_a_backup_during_writes_keeps_the_invariant(home: Home) -> None:
    """A backup holds a single instant of the database, although a writer commits hundreds of times a second."""
    with writer(home.database):
        time.sleep(0.3)
        reports = [home.back_up(NOW + timedelta(seconds=number)) for number in range(3)]
    for report in reports:
        elsewhere = changed(home.site, database_path=home.root / f"{report.backup_id}.db")
        staged = stage(elsewhere, select(home.vault, Choice(backup_id=report.backup_id)), scope=Scope.DATABASE)
        promote(elsewhere, staged.backup_id)
        assert require_bank(elsewhere.settings.database_path) > 500


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_the_source_is_left_as_it_was(home: Home, journal_mode: str) -> None:
    """A backup changes no byte of the database's folder and leaves no file there."""
    execute(home.database, f"PRAGMA journal_mode = {journal_mode}")
    before = {path: path.read_bytes() for path in home.database.parent.iterdir()}
    home.back_up()
    assert {path: path.read_bytes() for path in home.database.parent.iterdir()} == before
    assert list(home.scratch.iterdir()) == []


def test_the_archive_opens_with_plain_tools(home: Home, tmp_path: Path) -> None:
    """`tar xzf`, `sha256sum -c` and the SQL dump recover a database by hand."""
    report = home.back_up()
    by_hand = tmp_path / "by hand"
    by_hand.mkdir()
    subprocess.run(["tar", "xzf", home.archive(report)], cwd=by_hand, check=True)
    folder = by_hand / report.backup_id
    subprocess.run(["sha256sum", "--quiet", "-c", "checksums.sha256"], cwd=folder, check=True)
    with closing(sqlite3.connect(by_hand / "again.db")) as connection:
        connection.executescript((folder / "devops_hub.sql").read_text())
    assert require_bank(by_hand / "again.db") == 500
    assert require_bank(folder / "devops_hub.db") == 500
    assert "ledger: 500" in (folder / "db_stats.txt").read_text()
    assert "SECRET-HASH" not in (folder / "api_keys_metadata.csv").read_text()
    assert (folder / "config" / "env_structure.txt").read_text().split() == ["API_TOKEN", "PORT"]


def test_no_secret_of_the_configuration_is_in_the_archive(home: Home, tmp_path: Path) -> None:
    """The archive holds the names of the variables in `.env`, and no value."""
    report = home.back_up(scope=Scope.CONFIG)
    subprocess.run(["tar", "xzf", home.archive(report), "-C", tmp_path], check=True)
    everything = b"".join(path.read_bytes() for path in (tmp_path / report.backup_id).rglob("*") if path.is_file())
    assert b"very-secret" not in everything


def test_the_same_time_twice_makes_one_backup(home: Home) -> None:
    """A repeated event finds its backup, even if the database has changed since."""
    first = home.back_up()
    execute(home.database, "INSERT INTO ledger(note) VALUES ('later')")
    again = home.back_up()
    assert (first.created, again.created) == (True, False)
    assert again.manifest == first.manifest
    assert len(Catalog(home.vault).contents().backups) == 1


def test_an_unwritable_report_is_a_warning(home: Home) -> None:
    """If the report cannot be written to the vault, the backup is still committed, and its report warns of it."""
    (home.root / "backups").mkdir()
    (home.root / "backups" / "reports").write_text("a file in the way")
    report = home.back_up()
    assert report.created
    assert report.warnings[-1].startswith("this report was not written to the vault: ")
    assert home.stage().backup_id == report.backup_id


def test_a_missing_database_is_a_clear_error(home: Home) -> None:
    """A missing database is reported as such, and nothing appears in the vault."""
    home.database.unlink()
    with pytest.raises(SourceNotFound):
        home.back_up()
    assert list(home.vault.objects()) == []


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_a_file_that_is_not_a_database_is_refused(home: Home, content: bytes) -> None:
    """An empty file, or one that is not SQLite, is refused, and nothing appears in the vault."""
    home.database.write_bytes(content)
    with pytest.raises(SourceCorrupt):
        home.back_up()
    assert list(home.vault.objects()) == []


def break_index(database: Path) -> None:
    """Damage a page in the middle, as a bad disk does."""
    content = bytearray(database.read_bytes())
    page = 4096 * (len(content) // 4096 // 2)
    content[page : page + 200] = b"\xa5" * 200
    database.write_bytes(content)


def test_a_corrupt_database_never_becomes_a_good_backup(home: Home) -> None:
    """A corrupt database is refused with integrity_check's finding; kept on request, it is never chosen by default."""
    good = home.back_up(NOW - timedelta(hours=1))
    break_index(home.database)
    with pytest.raises(SourceCorrupt, match="integrity_check"):
        home.back_up()
    kept = home.back_up(allow_corrupt=True)
    assert kept.manifest.corrupt
    chosen = select(home.vault, Choice())
    assert chosen.label == good.backup_id
    assert any("corrupt" in passed_over for passed_over in chosen.skipped)


def test_a_drill_proves_a_backup_and_list_shows_it(home: Home) -> None:
    """A drill compares everything including the SQL dump, and its report is listed with the backup."""
    report = home.back_up()
    drilled = home.drill()
    record(drilled, home.vault)
    assert drilled.passed, drilled.failures
    assert [check.name for check in drilled.checks][-1] == "SQL dump"
    found = Catalog(home.vault).get(report.backup_id)
    assert found.drill == drilled


def test_a_drill_runs_the_operators_own_checks(home: Home) -> None:
    """A wrong answer fails the drill and shows both values; db_stats.txt is checked as well."""
    home.back_up()
    own = "SELECT sum(balance) FROM accounts => 5000\nSELECT count(*) > 9 FROM api_keys => 1"
    drilled = home.drill(drill_sql=own)
    checks = {check.name: check for check in drilled.checks}
    assert checks["SELECT sum(balance) FROM accounts"].passed
    assert checks["db_stats.txt"].passed
    assert drilled.failures == ("SELECT count(*) > 9 FROM api_keys: 0 instead of 1",)


def test_an_invalid_own_check_does_not_stop_the_others(home: Home) -> None:
    """An invalid query in DRILL_SQL is reported; the other checks run, and the backup is still proven."""
    home.back_up()
    own = "not SQL => 1\nSELECT count(*) FROM accounts => 50"
    drilled = home.drill(drill_sql=own)
    assert drilled.passed, drilled.failures
    assert "SELECT count(*) FROM accounts" in {check.name for check in drilled.checks}
    assert len(drilled.unanswered) == 1
    with pytest.raises(ConfigError, match="not SQL"):
        drilled.require_answers()


def test_a_damaged_archive_fails_its_drill_and_is_skipped(home: Home) -> None:
    """One flipped bit fails the drill, and a restore then chooses the backup before it."""
    good = home.back_up(NOW - timedelta(hours=1))
    bad = home.back_up()
    archive = home.archive(bad)
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    drilled = home.drill()
    record(drilled, home.vault)
    assert not drilled.passed
    assert drilled.checks[-1].name == "archive"
    assert select(home.vault, Choice()).label == good.backup_id
    with pytest.raises(ChecksumMismatch):
        home.stage(bad.backup_id, scope=Scope.ALL)


def test_a_manifest_of_other_content_is_detected(home: Home) -> None:
    """An archive that does not match the manifest's tables is not staged."""
    report = home.back_up()
    other = home.back_up(NOW + timedelta(hours=1))
    path = home.archive(report)
    manifest = Manifest.from_json(path.with_name(path.name + ".manifest.json").read_bytes())
    tables = tuple(table.model_copy(update={"rows": table.rows + 1}) for table in manifest.tables)
    selected = select(home.vault, Choice(backup_id=other.backup_id))
    assert selected.manifest is not None
    forged = type(selected)(home.vault, selected.archive, selected.manifest.model_copy(update={"tables": tables}), "x")
    with pytest.raises(SqliteVaultError) as caught:
        stage(home.site, forged, scope=Scope.DATABASE)
    assert caught.value.code in {"ManifestInvalid", "IntegrityCheckFailed"}


def test_the_newest_not_after_a_time(home: Home) -> None:
    """`--at` chooses the newest backup that is not later; before the first there is none."""
    ids = [home.back_up(NOW + timedelta(hours=hour)).backup_id for hour in range(3)]
    chosen = select(home.vault, Choice(at=NOW + timedelta(hours=1, minutes=30)))
    assert chosen.label == ids[1]
    with pytest.raises(BackupNotFound):
        select(home.vault, Choice(at=NOW - timedelta(days=1)))


def test_a_plan_shows_what_would_change_and_changes_nothing(home: Home) -> None:
    """A plan shows the rows and files that would change, and leaves the target as it is."""
    home.back_up()
    execute(home.database, "DELETE FROM ledger WHERE id > 100", "CREATE TABLE extra (x)")
    (home.root / "docker-compose.yml").write_text("services: {}\n")
    (home.root / ".env").write_text("PORT=1\n")
    before = {path: path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()}
    planned = plan(at(home.site, NOW + timedelta(minutes=5)), select(home.vault, Choice()), scope=Scope.ALL)
    tables = {row.name: row for row in planned.tables}
    assert (tables["ledger"].rows_now, tables["ledger"].rows_after) == (100, 500)
    assert (tables["extra"].rows_now, tables["extra"].rows_after) == (0, None)
    assert tables["accounts"].same_content
    assert planned.data_loss_seconds == 300
    assert [change.action for change in planned.files if change.path.endswith("docker-compose.yml")] == ["replace"]
    assert planned.missing_variables == ("API_TOKEN",)
    assert {path: path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()} == before


def test_configuration_comes_back_and_env_is_never_written(home: Home) -> None:
    """A changed file is kept aside, `.env` stays as it is, and its missing variables are named."""
    home.back_up()
    (home.root / "docker-compose.yml").write_text("services: {}\n")
    (home.root / ".env").write_text("PORT=1\n")
    staged = home.stage(scope=Scope.CONFIG)
    promoted = promote(home.site, staged.backup_id)
    assert promoted.config is not None
    assert (home.root / "docker-compose.yml").read_text().startswith("services:\n  app:")
    assert [Path(path).read_text() for path in promoted.config.kept] == ["services: {}\n"]
    assert (home.root / ".env").read_text() == "PORT=1\n"
    assert promoted.config.missing_variables == ("API_TOKEN",)
    assert promoted.database is None


def test_an_open_database_is_not_swapped(home: Home) -> None:
    """While another process has the database open, promote refuses and names that process."""
    home.back_up()
    staged = home.stage()
    with writer(home.database) as app, pytest.raises(TargetInUse, match=str(app.pid)):
        promote(home.site, staged.backup_id)
    assert promote(home.site, staged.backup_id).backup_id == staged.backup_id


def test_a_staged_file_that_changed_is_not_swapped_in(home: Home) -> None:
    """Promote refuses a staged database that changed after it was proven."""
    home.back_up()
    staged = home.stage()
    execute(Path(staged.folder) / "database.db", "DELETE FROM ledger")
    with pytest.raises(IntegrityCheckFailed):
        promote(home.site, staged.backup_id)
    assert require_bank(home.database) == 500


def test_old_backups_are_deleted_and_the_last_good_one_is_kept(home: Home) -> None:
    """Expired backups are deleted with their reports; one whose drill failed is not the last good one."""
    ids = [home.back_up(NOW - timedelta(days=days)).backup_id for days in (50, 40, 35)]
    failed = home.drill(ids[2])
    record(failed.model_copy(update={"passed": False}), home.vault)
    report = prune(home.site)
    assert set(report.removed) == {ids[0], ids[2]}
    assert [backup.id for backup in Catalog(home.vault).contents().backups] == [ids[1]]
    assert [entry.name for entry in home.vault.objects("reports/")] == [f"reports/backups/{ids[1]}.json"]


_BACK_UP = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from sqlitevault.backup.backup import Order, back_up
from tests.sites import make_site
root = Path(sys.argv[1])
site = make_site(root / "data" / "devops_hub.db", str(root / "backups"), scratch=root / "scratch")
def reached(moment):
    if moment == sys.argv[2]:
        print(moment, flush=True)
        time.sleep(60)  # until killed
class Watcher:
    def started(self, step, total_bytes): reached(step)
    def advanced(self, count): pass
    def finished(self, step, seconds): reached("after " + step)
back_up(site, Order(created_at=datetime(2026, 3, 1, 12, tzinfo=UTC)), Watcher())
"""

_STEPS = ["snapshot", "integrity check", "count and digest", "SQL dump", "checksum", "compress", "upload", "commit"]


@pytest.mark.parametrize("step", [*_STEPS, *(f"after {step}" for step in _STEPS[:-1])])
def test_a_backup_killed_at_any_step_leaves_nothing(home: Home, step: str) -> None:
    """After SIGKILL there is no manifest, and the next run clears the leftovers."""
    command = [sys.executable, "-c", _BACK_UP, str(home.root), step]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == step
        process.kill()
    later = NOW + timedelta(hours=2)
    assert [entry.name for entry in home.vault.objects() if entry.name.endswith(".manifest.json")] == []
    for path in (home.root / "backups").rglob("*"):
        os.utime(path, (later.timestamp() - 7200, later.timestamp() - 7200))
    report = home.back_up(later)
    prune(at(home.site, later))
    assert list(home.scratch.iterdir()) == []
    left = {path.name for path in (home.root / "backups").rglob("*") if path.is_file()}
    kept = {report.archive, report.archive + ".manifest.json", f"{report.backup_id}.json"}
    assert left == kept


def test_the_legacy_archive_is_listed_but_never_chosen_by_default(home: Home, legacy_archive: Path) -> None:
    """The legacy archive, which has no manifest, is listed and never deleted, but is not the latest backup."""
    (home.root / "backups").mkdir()
    shutil.copy(legacy_archive, home.root / "backups" / legacy_archive.name)
    contents = Catalog(home.vault).contents()
    assert [left.name for left in contents.uncommitted] == [legacy_archive.name]
    with pytest.raises(BackupNotFound):
        select(home.vault, Choice())
    assert prune(at(changed(home.site, retain_days=1), NOW + timedelta(days=999))).unfinished == ()


def test_the_legacy_archive_restores(home: Home, legacy_archive: Path) -> None:
    """The legacy archive, which the original restore script rejects, is checked and restored."""
    vault = DirectoryVault(legacy_archive.parent)
    database = home.root / "data" / "legacy.db"
    site = changed(home.site, database_path=database, config_root=home.root / "legacy")
    staged = stage(site, select_by_name(vault, legacy_archive.name, Choice()), scope=Scope.ALL)
    promote(site, staged.backup_id)
    assert rows(database, "SELECT count(*) FROM events") == [(4000,)]
    assert (home.root / "legacy" / "frontend" / "nginx.conf").exists()


def test_reports_are_plain_json(home: Home) -> None:
    """A report is valid JSON, and names the table that lost most rows since the backup before."""
    report = home.back_up()
    assert json.loads(report.to_json())["manifest"]["backup_id"] == report.backup_id
    home.back_up(NOW + timedelta(hours=1))
    execute(home.database, "DELETE FROM ledger WHERE id % 2")
    changed = home.back_up(NOW + timedelta(hours=2)).changes
    assert changed is not None
    assert (changed.largest_loss_table, changed.largest_loss_percent) == ("ledger", 50.0)
