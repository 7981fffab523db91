"""`sqlitevault backup`: the files that it writes and removes, and its output."""

import tarfile
from datetime import timedelta

import pytest

from localaws import EmbeddedAws
from tests.cli.home import Home, tree
from tests.databases import execute


def members(home: Home, backup_id: str) -> set[str]:
    """Return the names of an archive's members within its top folder."""
    with tarfile.open(home.archive(backup_id)) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_a_backup_is_made_proven_and_named(new_home: Home) -> None:
    """Archive, manifest and the reports of backup and drill appear; nothing else changes, and scratch is empty."""
    before = tree(new_home.root)
    done = new_home.run("backup").require(0)
    (made,) = new_home.ids
    new = tree(new_home.root).items() - before.items()
    assert {path for path, (_, kind) in new if kind != "folder"} == {
        f"backups/{made}.tar.gz",
        f"backups/{made}.tar.gz.manifest.json",
        f"backups/reports/backups/{made}.json",
        f"backups/reports/drills/{made}.json",
    }
    assert before.items() <= tree(new_home.root).items()
    assert list(new_home.scratch.iterdir()) == []
    assert f"in        backups/{made}.tar.gz" in done.stdout
    assert "proven    restored and compared in " in done.stdout
    assert "3 tables, 551 rows" in done.stdout


def test_lost_rows_are_reported(home: Home) -> None:
    """A backup after an accident reports the lost rows and names the runbook; Prometheus gets the figure."""
    execute(home.database, "DELETE FROM ledger WHERE id > 100")
    said = home.run("backup", "--no-drill").require(0)
    assert f"note: ledger has 400 fewer rows (80 %) than in {home.ids[0]}; an accident? docs/runbooks/" in said.stderr
    assert "devops_hub_largest_table_loss_percent 80\n" in home.run("metrics").require(0).stdout
    assert "fewer rows" not in home.run("backup", "--no-drill", "--to", "new").require(0).stderr
    assert "fewer rows" not in home.run("backup", "--no-drill", MASS_DELETION_PERCENT="81").require(0).stderr


def test_a_quiet_backup_prints_only_notes_and_errors(new_home: Home) -> None:
    """`--quiet` prints notes and failures but no success, because cron mails everything that is printed."""
    done = new_home.run("backup", "--quiet").require(0)
    assert (done.stdout, done.stderr) == ("", "")
    assert len(new_home.ids) == 1
    new_home.run("backup", "--quiet", "--to", "b", HEARTBEAT_URL="http://127.0.0.1:9/x").require(
        0, "note: the heartbeat"
    )
    new_home.run("backup", "--quiet", "--to", "c", DRILL_SQL="SELECT 1 => 2").require(14, "DrillFailed: ")


@pytest.mark.parametrize(
    ("option", "database", "configuration"),
    [("--db-only", True, False), ("--config-only", False, True)],
    ids=["db-only", "config-only"],
)
def test_a_backup_of_one_half(new_home: Home, option: str, database: bool, configuration: bool) -> None:
    """`--db-only` takes only the database, `--config-only` only the configuration."""
    report = new_home.run("backup", option, "--json").require(0).document
    held = members(new_home, report["backup_id"])
    assert ("devops_hub.db" in held) == ("devops_hub.sql" in held) == database
    assert ("config/docker-compose.yml" in held) == ("config/env_structure.txt" in held) == configuration
    assert report["drill"]["passed"]


def test_another_directory_and_another_tier(new_home: Home) -> None:
    """`--to` names the vault and `--tier` the tier; `--no-drill` skips the proof."""
    report = new_home.run("backup", "--to", "elsewhere", "--tier", "daily", "--no-drill", "--json").require(0).document
    assert (new_home.root / "elsewhere" / f"{report['backup_id']}.tar.gz").is_file()
    assert not new_home.backups.exists()
    assert report["manifest"]["tier"] == "daily"
    assert report["drill"] is None
    assert [path.name for path in (new_home.root / "elsewhere" / "reports").iterdir()] == ["backups"]


def test_the_vault_of_the_environment(new_home: Home) -> None:
    """DATABASE_PATH and CONFIG_ROOT name the sources of a backup, BACKUP_DIR its vault."""
    new_home.database.rename(new_home.root / "app.db")
    settings = {"DATABASE_PATH": "app.db", "CONFIG_ROOT": "data", "BACKUP_DIR": "kept/here"}
    report = new_home.run("backup", "--json", **settings).require(0).document
    assert report["backup_id"].startswith("app_backup_")
    assert not any(file["path"].startswith("config/") for file in report["manifest"]["files"])
    assert (new_home.root / "kept" / "here" / report["archive"]).is_file()


def test_omitted_configuration_files_are_reported(new_home: Home) -> None:
    """A link that must not be followed is named on stderr, even with brackets in its name; the backup omits it."""
    (new_home.root / "docker-compose.[prod].yml").symlink_to("/etc/hostname")
    new_home.run("backup").require(0, "note: docker-compose.[prod].yml: ")
    assert "config/docker-compose.yml" in members(new_home, new_home.ids[0])
    assert "config/docker-compose.[prod].yml" not in members(new_home, new_home.ids[0])


def test_old_backups_are_deleted(home: Home) -> None:
    """A backup deletes backups older than BACKUP_RETAIN days with their manifests, and reports the number."""
    young = set(home.ids)
    old = home.back_up(timedelta(days=9))
    assert "removed   1 old backup " in home.run("backup", BACKUP_RETAIN="8").require(0).stdout
    assert old not in home.ids
    assert young < set(home.ids)
    assert not home.archive(old).exists()


def test_the_last_good_backup_is_kept(new_home: Home) -> None:
    """The last good backup is kept at any age, unless a newer backup of an intact database exists."""
    older, old = new_home.back_up(timedelta(days=90)), new_home.back_up(timedelta(days=80))
    report = new_home.run("backup", "--config-only", "--json", BACKUP_RETAIN="1").require(0).document
    assert report["pruned"]["removed"] == [older]
    assert new_home.ids == (old, report["backup_id"])


@pytest.mark.xdist_group("aws")
def test_a_backup_to_a_bucket(cloud_home: Home, aws: EmbeddedAws) -> None:
    """`--to s3://bucket/prefix/` stores archive, manifest and reports directly below the prefix, with a SHA-256."""
    bucket = cloud_home.settings["BUCKET"]
    done = cloud_home.run("backup", "--to", f"s3://{bucket}/backups/", "--db-only").require(0)
    s3 = aws.client("s3", "us-east-1")
    names = sorted(entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"])
    made = names[0].removeprefix("backups/").removesuffix(".tar.gz")
    assert names == [
        f"backups/{made}.tar.gz",
        f"backups/{made}.tar.gz.manifest.json",
        f"backups/reports/backups/{made}.json",
        f"backups/reports/drills/{made}.json",
    ]
    assert f"s3://{bucket}/backups/{made}.tar.gz" in done.stdout
    assert "ChecksumSHA256" in s3.head_object(Bucket=bucket, Key=names[0], ChecksumMode="ENABLED")
    assert not cloud_home.backups.exists()
