"""`sqlitevault list`: the backups, newest first, and whether each is proven."""

import os
import re
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.home import Home, tree
from tests.cli.test_damaged_backup import flip


def test_newest_first_with_all_columns(home: Home) -> None:
    """`list` shows id, tier, age, sizes, rows and proof of each backup, and writes nothing."""
    home.run("drill", home.ids[0]).require(0)
    before = tree(home.root)
    heading, newest, oldest = home.run("list").require(0).stdout.splitlines()
    assert heading.split() == ["backup", "tier", "age", "database", "archive", "rows", "proven"]
    assert newest.split()[0:2] == [home.ids[1], "manual"]
    assert re.search(r" 1 h \d+ min ", newest)
    assert " 451  not yet" in newest
    assert oldest.startswith(home.ids[0])
    assert " 551  yes, recovered in " in oldest
    assert tree(home.root) == before


def test_a_backup_of_the_future_is_not_a_fresh_one(home: Home) -> None:
    """A backup dated in the future is marked, and does not look like a fresh one."""
    ahead = home.back_up(-timedelta(days=400))
    lines = {line.split()[0]: line for line in home.run("list").require(0).stdout.splitlines()}
    assert " in the future " in lines[ahead]
    assert " in the future " not in lines[home.ids[1]]


def test_json_has_the_same_backups(home: Home) -> None:
    """`--json` lists one object per backup, newest first."""
    newest, oldest = home.run("list", "--json").require(0).document
    assert [newest["backup_id"], oldest["backup_id"]] == [*reversed(home.ids)]
    assert (newest["rows"], oldest["rows"]) == (451, 551)
    assert (newest["proven"], newest["doubt"]) == (False, None)
    assert 3600 <= newest["age_seconds"] < 7200
    assert newest["archive_bytes"] == home.archive(home.ids[1]).stat().st_size


def test_a_folder_without_backups(new_home: Home) -> None:
    """Before the first backup the list is empty, without an error."""
    done = new_home.run("list").require(0, "no backups in backups")
    assert done.stdout == ""
    assert new_home.run("list", "--json").require(0).document == []


def test_a_backup_that_is_not_good_is_marked(home: Home, legacy_archive: Path) -> None:
    """An archive without a manifest, an unreadable manifest and a corrupt database are marked as such."""
    shutil.copy(legacy_archive, home.backups)
    spoiled = home.ids[0]
    home.manifest(spoiled).write_text('{"format": 1}')
    content = bytearray(home.database.read_bytes())
    content[8192:8392] = b"\xa5" * 200
    home.database.write_bytes(content)
    corrupt = home.back_up(timedelta(minutes=1), allow_corrupt=True)
    done = home.run("list").require(0, f"unreadable: {spoiled}.tar.gz.manifest.json: the manifest is not valid")
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "NO: kept although its database is corrupt" in lines[corrupt]
    assert "no manifest: restore by path" in lines[legacy_archive.name.removesuffix(".tar.gz")]
    assert spoiled not in lines


def test_a_proof_holds_only_for_the_archive_that_was_proven(home: Home) -> None:
    """A proven archive that is later truncated or overwritten is neither proven nor kept as the last good one."""
    for made in home.ids:
        home.run("drill", made).require(0)
    home.archive(home.ids[0]).write_bytes(b"")
    newest = home.archive(home.ids[1])
    flip(newest)
    an_hour_later = time.time() + 3600
    os.utime(newest, (an_hour_later, an_hour_later))
    later, empty = home.run("list", "--json").require(0).document
    assert (later["proven"], empty["proven"]) == (False, False)
    assert "written anew" in later["doubt"]
    assert empty["doubt"].startswith("its archive has 0 bytes instead of ")
    assert "NO: its archive has 0 bytes" in home.run("list").require(0).stdout
    assert "\ndevops_hub_last_backup_success 0\n" in home.run("metrics").require(0).stdout
    failed = home.run("readiness").require(14, "backups on schedule: no backup has been proven")
    assert "was written anew" in failed.stdout
    os.utime(newest, (0, 0))
    assert home.run("list", "--json").require(0).document[0]["proven"]


def test_a_copy_of_the_vault_keeps_its_proofs(home: Home) -> None:
    """In a copied vault, whose file times differ, backups are still proven."""
    home.run("drill").require(0)
    copy = home.root / "elsewhere"
    shutil.copytree(home.backups, copy)
    later = time.time() + 3600
    for archive in copy.glob("*.tar.gz"):
        os.utime(archive, (later, later))
    assert home.run("list", "--from", "elsewhere", "--json").require(0).document[0]["proven"]


def test_a_name_with_an_impossible_time_is_not_a_backup(home: Home) -> None:
    """A stray file named like a backup of a 13th month does not stop the others from being listed."""
    (home.backups / "devops_hub_backup_20261301_000000.tar.gz").write_bytes(b"")
    assert len(home.run("list", "--json").require(0).document) == 2


@pytest.mark.xdist_group("aws")
def test_a_bucket_is_listed(cloud_home: Home) -> None:
    """`--from s3://bucket/prefix/` and BACKUP_DIR name the vault alike; another prefix is another vault."""
    vault = f"s3://{cloud_home.settings['BUCKET']}/backups/"
    made = cloud_home.run("backup", "--to", vault, "--json").require(0).document["backup_id"]
    (listed,) = cloud_home.run("list", "--from", vault, "--json").require(0).document
    assert (listed["backup_id"], listed["proven"]) == (made, True)
    assert made in cloud_home.run("list", BACKUP_DIR=vault.removesuffix("/")).require(0).stdout
    cloud_home.run("list", "--from", vault.replace("backups", "other")).require(0, "no backups in s3://")
