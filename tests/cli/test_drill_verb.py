"""`sqlitevault drill`: the recovery test, and the effect of its verdict."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.home import Home, tree
from tests.cli.test_verify_verb import damage
from tests.databases import execute


def test_a_drill_proves_the_newest_backup_and_records_it(home: Home) -> None:
    """A drill compares database and SQL dump, and writes only its report and the page."""
    before = tree(home.root)
    done = home.run("drill").require(0)
    record = f"backups/reports/drills/{home.ids[1]}.json"
    changed = {path for path, (_, kind) in tree(home.root).items() - before.items() if kind != "folder"}
    assert changed == {record, "backups/reports/report.html"}
    assert before.items() <= tree(home.root).items()
    written = json.loads((home.root / record).read_text())
    assert written["passed"]
    assert [check["name"] for check in written["checks"]][-1] == "SQL dump"
    assert "recovered in " in done.stdout


def test_a_named_backup_is_drilled(home: Home) -> None:
    """An id selects an older backup."""
    report = home.run("drill", home.ids[0], "--json").require(0).document
    assert (report["backup_id"], report["passed"], report["rto_seconds"]) == (home.ids[0], True, 900)


def test_a_failed_drill_makes_restore_use_the_backup_before(home: Home) -> None:
    """A failed drill ends with code 14 and one JSON document; then `list` and `restore --latest` skip the backup."""
    damage(home.archive(home.ids[1]))
    failed = home.run("drill", "--json").require(14, f"DrillFailed: {home.ids[1]} archive: ")
    assert not failed.document["passed"]
    shown = home.run("drill", home.ids[1]).require(14).stdout
    assert "NOT PROVEN: 1 of 1 checks failed" in shown
    assert "recovered in" not in shown
    assert "NO: its drill failed" in home.run("list").require(0).stdout
    planned = home.run("restore", "--latest", "--dry-run", "--json").require(0).document
    assert planned["backup_id"] == home.ids[0]
    assert planned["skipped"] == [f"{home.ids[1]}: its drill failed"]


def test_the_original_scripts_archive_is_drilled_without_a_record(new_home: Home, legacy_archive: Path) -> None:
    """An archive without a manifest is drilled, but no report is written."""
    shutil.copy(legacy_archive, new_home.root)
    before = tree(new_home.root)
    shown = new_home.run("drill", f"./{legacy_archive.name}").require(0).stdout
    assert "integrity_check" in shown
    assert tree(new_home.root) == before


def test_an_own_check_of_a_missing_table_fails_the_drill(home: Home) -> None:
    """If a table that DRILL_SQL checks is missing, the drill fails, and restore uses the backup before it."""
    execute(home.database, "DROP TABLE accounts")
    asked = "SELECT count(*) > 0 FROM accounts => 1"
    done = home.run("backup", "--db-only", DRILL_SQL=asked).require(14, "DrillFailed: ", "no such table: accounts")
    assert home.ids[-1] in done.stdout
    assert "NO: its drill failed" in home.run("list").require(0).stdout
    planned = home.run("restore", "--latest", "--dry-run", "--json").require(0).document
    assert planned["backup_id"] == home.ids[-2]


def test_an_invalid_own_check_does_not_fail_the_backup(new_home: Home) -> None:
    """With an invalid query in DRILL_SQL the backup is still proven and recorded; the error names the setting."""
    wrong = "SELEKT 1 => 1\nSELECT count(*) FROM accounts => 50"
    done = new_home.run("backup", DRILL_SQL=wrong).require(2, "ConfigError: ", "SELEKT 1")
    (made,) = new_home.ids
    assert made in done.stdout
    assert new_home.run("list", "--json").require(0).document[0]["proven"]
    assert made in new_home.run("drill", DRILL_SQL=wrong).require(2, "SELEKT 1").stdout


@pytest.mark.xdist_group("aws")
def test_a_backup_in_a_bucket(cloud_home: Home) -> None:
    """The newest backup under the prefix is drilled, and its report is stored there."""
    vault = f"s3://{cloud_home.settings['BUCKET']}/backups/"
    made = cloud_home.run("backup", "--to", vault, "--no-drill", "--json").require(0).document["backup_id"]
    assert cloud_home.run("drill", "--from", vault, "--json").require(0).document["backup_id"] == made
    (listed,) = cloud_home.run("list", "--from", vault, "--json").require(0).document
    assert listed["proven"]
