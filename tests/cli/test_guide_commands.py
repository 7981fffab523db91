"""The commands of the operators' guide, exactly as printed there, and its manual steps."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.command import REPOSITORY, Outcome, run
from tests.cli.home import Home, next_second, tree
from tests.databases import execute, require_bank, rows

_BACKUP, _RESTORE = (REPOSITORY / "scripts" / name for name in ("backup.sh", "restore.sh"))
_READY = ("--old-file=.venv/ready", "--old-file=node_modules/.package-lock.json")


def settings(home: Home) -> dict[str, str]:
    """Return the settings that make the guide's commands work on this folder from anywhere."""
    return {
        "DATABASE_PATH": str(home.database),
        "CONFIG_ROOT": str(home.root),
        "BACKUP_DIR": str(home.backups),
        "SCRATCH_DIR": str(home.scratch),
        **home.settings,
    }


def script(home: Home, *command: str | Path, **changed: str) -> Outcome:
    """Run a script in the folder."""
    return run(command, home.root, settings(home) | changed)


def make(home: Home, *arguments: str) -> Outcome:
    """Run a target of the Makefile without its set-up: tests install nothing."""
    command = ("make", "--no-print-directory", "-C", str(REPOSITORY), *_READY, *arguments)
    return run(command, home.root, settings(home))


@pytest.mark.parametrize(
    ("options", "members"),
    [((), {"devops_hub.db", "config"}), (("--db-only",), {"devops_hub.db"}), (("--config-only",), {"config"})],
    ids=["all", "db-only", "config-only"],
)
def test_backup_sh(new_home: Home, options: tuple[str, ...], members: set[str]) -> None:
    """`scripts/backup.sh [--db-only|--config-only]` backs up to BACKUP_DIR."""
    script(new_home, _BACKUP, *options).require(0)
    (made,) = new_home.ids
    subprocess.run(["tar", "xzf", new_home.archive(made)], cwd=new_home.root, check=True)
    assert {path.name for path in (new_home.root / made).iterdir()} & {"devops_hub.db", "config"} == members


def test_restore_sh(home: Home) -> None:
    """`scripts/restore.sh [--dry-run] [--db-only] FILE` plans, restores, and passes the exit code on."""
    before = tree(home.root)
    assert "rows after" in script(home, _RESTORE, "--dry-run", home.archive(home.ids[0])).require(0).stdout
    script(home, _RESTORE, home.archive(home.ids[0])).require(11, "this would replace ")
    assert tree(home.root) == before
    script(home, _RESTORE, "--db-only", home.archive(home.ids[0]), "--yes").require(0)
    assert require_bank(home.database) == 500


def test_the_monthly_test_restores_to_another_path(home: Home) -> None:
    """`DATABASE_PATH=./data/test_restore.db scripts/restore.sh FILE` does not touch the live database."""
    archive = f"backups/{home.ids[1]}.tar.gz"
    script(home, _RESTORE, archive, DATABASE_PATH="./data/test_restore.db").require(0)
    assert require_bank(home.root / "data" / "test_restore.db") == 400
    assert require_bank(home.database) == 300


@pytest.mark.xdist_group("aws")
def test_to_a_bucket_and_back(cloud_home: Home) -> None:
    """`backup.sh --to s3://…`, `make backup-s3 TO=…` and `restore.sh --from-s3 …/latest.tar.gz` work with a bucket."""
    vault = f"s3://{cloud_home.settings['BUCKET']}/backups/"
    script(cloud_home, _BACKUP, "--to", vault).require(0)
    execute(cloud_home.database, "DELETE FROM ledger WHERE id > 100")
    next_second()
    make(cloud_home, "backup-s3", f"TO={vault}").require(0)
    assert (
        len(script(cloud_home, REPOSITORY / ".venv/bin/sqlitevault", "list", "--from", vault, "--json").document) == 2
    )
    cloud_home.database.unlink()
    script(cloud_home, _RESTORE, "--from-s3", f"{vault}latest.tar.gz").require(0)
    assert require_bank(cloud_home.database) == 100


def test_make_backup_and_restore(new_home: Home) -> None:
    """`make backup`, `make restore-dry FILE=…` and `make restore FILE=…` back up, plan and restore."""
    make(new_home, "backup").require(0)
    (made,) = new_home.ids
    execute(new_home.database, "DELETE FROM ledger WHERE id > 100")
    before = tree(new_home.root)
    file = f"FILE={new_home.archive(made)}"
    assert "+400" in make(new_home, "restore-dry", file).require(0).stdout
    assert tree(new_home.root) == before
    assert make(new_home, "restore", file).code == 2  # make's own code: without a terminal the restore is refused
    assert tree(new_home.root) == before
    new_home.database.unlink()
    make(new_home, "restore", file).require(0)
    assert require_bank(new_home.database) == 500


def test_make_backup_db(new_home: Home) -> None:
    """`make backup-db` takes only the database."""
    make(new_home, "backup-db").require(0)
    subprocess.run(["tar", "xzf", new_home.archive(new_home.ids[0])], cwd=new_home.root, check=True)
    assert not (new_home.root / new_home.ids[0] / "config").exists()


@pytest.mark.parametrize(
    ("target", "variable"), [("backup-s3", "TO"), ("restore", "FILE"), ("restore-dry", "FILE")], ids=lambda text: text
)
def test_make_shows_the_usage(new_home: Home, target: str, variable: str) -> None:
    """Without TO or FILE, make shows the usage and does nothing."""
    done = make(new_home, target)
    assert done.code == 2
    assert f"usage: make {target} {variable}=" in done.stderr
    assert not new_home.backups.exists()


def test_retention_keeps_the_last_good_backup(new_home: Home) -> None:
    """`BACKUP_RETAIN=7 scripts/backup.sh` deletes backups older than seven days, but never the newest good one."""
    oldest, old = new_home.back_up(timedelta(days=20)), new_home.back_up(timedelta(days=10))
    script(new_home, _BACKUP, "--config-only", BACKUP_RETAIN="7").require(0)
    assert oldest not in new_home.ids
    assert old in new_home.ids


def test_latest_names_the_newest_backup(home: Home) -> None:
    """`backups/latest.tar.gz` names the newest good backup, unless a file of that name exists."""
    latest = home.backups / "latest.tar.gz"
    assert home.ids[1] in script(home, _RESTORE, "--dry-run", latest).require(0).stdout
    shutil.copy(home.archive(home.ids[0]), latest)
    assert home.ids[0] in script(home, _RESTORE, "--dry-run", latest).require(0).stdout


def test_the_original_scripts_archive(home: Home, legacy_archive: Path) -> None:
    """The original script's archive is listed, verified and restored, while `latest` still names a proven backup."""
    shutil.copy(legacy_archive, home.backups)
    newest = home.ids[-1]
    listed = home.run("list", "--json").require(0).document
    assert legacy_archive.name.removesuffix(".tar.gz") in {entry["backup_id"] for entry in listed}
    home.run("verify", f"backups/{legacy_archive.name}").require(0)
    assert home.run("restore", "--latest", "--dry-run", "--json").require(0).document["backup_id"] == newest
    script(home, _RESTORE, f"backups/{legacy_archive.name}", "--yes").require(0)
    assert rows(home.database, "SELECT count(*) FROM events") == [(4000,)]
    assert (home.root / "frontend" / "nginx.conf").exists()


@pytest.mark.parametrize("reader", ["sqlite3 shell", "any SQLite"])
def test_by_hand(home: Home, tmp_path: Path, reader: str) -> None:
    """`tar xzf`, `sha256sum -c` and loading the SQL dump recover a database without sqlitevault."""
    backup_id = home.ids[1]
    subprocess.run(["tar", "xzf", home.archive(backup_id)], cwd=tmp_path, check=True)
    folder, again = tmp_path / backup_id, tmp_path / "again.db"
    subprocess.run(["sha256sum", "--quiet", "-c", "checksums.sha256"], cwd=folder, check=True)
    if reader == "any SQLite":
        with closing(sqlite3.connect(again)) as connection:
            connection.executescript((folder / "devops_hub.sql").read_text())
    elif shutil.which("sqlite3") is None:
        pytest.skip("the sqlite3 shell is not installed; any SQLite reads the dump just as well")
    else:
        with (folder / "devops_hub.sql").open() as dump:
            subprocess.run(["sqlite3", again], stdin=dump, check=True)
    assert require_bank(again) == require_bank(folder / "devops_hub.db") == 400
