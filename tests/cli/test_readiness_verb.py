"""`sqlitevault readiness`: the checklist, its exit code and its formats."""

import json
import shutil
from datetime import timedelta

import pytest

from tests.cli.home import Home, tree

_NOT_FOR_A_DIRECTORY = {
    "off-site copy",
    "alarms armed and delivering",
    "drill from the replica",
    "lock and retention as set",
}


@pytest.fixture
def ready(new_home: Home) -> Home:
    """A folder in which every applicable line is green."""
    new_home.run("backup").require(0)
    new_home.run("readiness", "--runbook-tested", "server-lost").require(0)
    return new_home


def _lines(home: Home, code: int, **settings: str) -> dict[str, dict[str, str]]:
    report = home.run("readiness", "--json", **settings).require(code).document
    assert report["ready"] == (code == 0)
    return {line["name"]: line for line in report["lines"]}


def _failed(home: Home, **settings: str) -> set[str]:
    return {name for name, line in _lines(home, 14, **settings).items() if line["status"] == "failed"}


def test_a_directory_vault_is_ready(ready: Home) -> None:
    """A directory vault can be ready: lines on features that it lacks do not apply and say why; nothing is written."""
    before = tree(ready.root)
    lines = _lines(ready, 0)
    assert {name for name, line in lines.items() if line["status"] == "not applicable"} == _NOT_FOR_A_DIRECTORY
    assert all(line["proof"] for line in lines.values())
    assert lines["key metadata present"]["proof"].startswith("api_keys_metadata.csv in ")
    assert "ready" in ready.run("readiness").require(0).stdout
    assert tree(ready.root) == before


def test_a_tested_runbook_is_recorded_in_the_vault(ready: Home) -> None:
    """`--runbook-tested` records the runbook's name and the time in the vault; without a record the line fails."""
    stamp = ready.backups / "reports" / "runbooks" / "server-lost.json"
    assert json.loads(stamp.read_text()).keys() == {"name", "tested_at"}
    stamp.unlink()
    assert _failed(ready) == {"runbook tested"}


@pytest.mark.parametrize(
    "name", ["../x", "lost-database", "", "breach.md", "README"], ids=["up", "none", "empty", "ending", "readme"]
)
def test_only_existing_runbooks_can_be_recorded(new_home: Home, name: str) -> None:
    """An unknown runbook is refused with a list of the existing ones, and nothing is written."""
    new_home.run("readiness", "--runbook-tested", name).require(2, "there is no runbook ", "server-lost")
    assert not new_home.backups.exists()


def test_an_empty_vault_is_not_ready(new_home: Home) -> None:
    """An empty vault ends with code 14, and stderr and JSON name every failed line."""
    done = new_home.run("readiness").require(14, "NotReady: backups on schedule: no backup has been proven; ")
    assert "NOT READY" in done.stdout


def test_a_backup_without_a_drill_is_not_proof(new_home: Home) -> None:
    """A backup without a drill does not make a vault ready."""
    new_home.run("backup", "--no-drill").require(0)
    assert _failed(new_home) == {
        "backups on schedule",
        "drill within 30 days",
        "newest backup drilled",
        "key metadata present",
        "runbook tested",
    }


def test_the_rpo_is_the_one_that_is_set(ready: Home) -> None:
    """A backup of almost an hour ago meets an RPO of one hour, and misses one of half an hour."""
    shutil.rmtree(ready.backups)
    made = ready.back_up(timedelta(minutes=50))
    ready.run("drill", made).require(0)
    ready.run("readiness", "--runbook-tested", "breach").require(0)
    assert _lines(ready, 0)["backups on schedule"]["status"] == "ok"
    assert _failed(ready, RPO_SECONDS="1800") == {"backups on schedule", "newest backup drilled"}


def test_a_copy_is_checked_if_replica_uri_names_it(ready: Home) -> None:
    """A copy of a directory vault is checked if REPLICA_URI names it, and a drill from the copy counts."""
    assert _failed(ready, REPLICA_URI="copy") == {"off-site copy", "drill from the replica"}
    shutil.copytree(ready.backups, ready.root / "copy")
    assert _failed(ready, REPLICA_URI="copy") == {"drill from the replica"}
    ready.run("drill", "--from", "copy").require(0)
    _lines(ready, 0, REPLICA_URI="copy")


def test_a_drill_from_the_copy_counts_however_its_path_is_written(ready: Home) -> None:
    """A drill from the copy counts under any spelling of its path and survives another copy; the RTO applies to it."""
    copy = ready.root / "copy"
    shutil.copytree(ready.backups, copy)
    ready.run("drill", "--from", "data/../copy", REPLICA_URI=str(copy)).require(0)
    (report,) = (copy / "reports" / "replica-drills").iterdir()
    shutil.copytree(ready.backups, copy, dirs_exist_ok=True)
    _lines(ready, 0, REPLICA_URI="copy")
    (listed,) = ready.run("list", "--from", "copy", "--json").require(0).document
    held = json.loads(report.read_text())
    assert listed["recovery_seconds"] == held["recovery_seconds"]
    report.write_text(json.dumps(held | {"recovery_seconds": 9999.0}))
    assert _failed(ready, REPLICA_URI="copy") == {"drill from the replica"}
    report.write_text(json.dumps(held | {"passed": False}))
    assert ready.run("list", "--from", "copy", "--json").require(0).document[0]["doubt"] == "its drill failed"


def test_a_report_of_another_backup_proves_nothing(ready: Home) -> None:
    """A report copied under another backup's name does not count."""
    (made,) = ready.ids
    report = ready.backups / "reports" / "drills" / f"{made}.json"
    report.write_text(report.read_text().replace(made, made[:-6] + "000000"))
    assert not ready.run("list", "--json").require(0).document[0]["proven"]


def test_a_tier_that_was_used_must_continue(new_home: Home) -> None:
    """A daily backup of two days ago is overdue; tiers that were never used are not required."""
    new_home.back_up(timedelta(days=2))
    new_home.run("backup", "--tier", "hourly").require(0)
    new_home.run("readiness", "--runbook-tested", "breach").require(0)
    _lines(new_home, 0)
    for manifest in new_home.backups.glob("*.manifest.json"):
        manifest.write_text(manifest.read_text().replace('"manual"', '"daily"'))
    assert _failed(new_home) == {"backups on schedule"}


def test_as_markdown_and_as_a_page(ready: Home) -> None:
    """The checklist can be a Markdown table, or a self-contained page that escapes odd names."""
    markdown = ready.run("readiness", "--markdown").require(0).stdout
    assert "| status | check | proof | age |\n| --- | --- | --- | --- |\n| ok | backups on schedule |" in markdown
    odd = ready.root / "<b>|odd"
    shutil.move(ready.backups, odd)
    page = ready.run("readiness", "--html", "--from", str(odd)).require(0).stdout
    assert page.startswith("<!doctype html>")
    assert "&lt;b&gt;|odd" in page
    assert "://" not in page
    assert ready.run("readiness", "--html", "--markdown").require(2).stdout == ""
