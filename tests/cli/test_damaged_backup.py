"""Restores from a damaged archive: the replica, an earlier version, the SQL dump, and salvage on request."""

import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from localaws import EmbeddedAws
from sqlitevault.archive.members import Member, describe
from sqlitevault.archive.writing import write_archive
from sqlitevault.catalog.manifest import Manifest
from tests.cli.home import Home, tree
from tests.databases import execute, require_bank, rows


def flip(path: Path, at: float = 0.5) -> None:
    """Damage one byte, in the middle by default."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 0xFF
    path.write_bytes(bytes(content))


def kept(home: Home) -> list[Path]:
    """Return the databases that restores kept aside."""
    return list(home.database.parent.glob("devops_hub.db.pre_restore_*"))


def repack(home: Home, backup_id: str, *, but: tuple[str, ...] = (), damage: str | None = None) -> None:
    """Pack the archive again with correct checksums, without some members or with one damaged."""
    with tarfile.open(home.archive(backup_id)) as archive:
        archive.extractall(home.root / "members", filter="data")
    folder = home.root / "members" / backup_id
    manifest = Manifest.from_json(home.manifest(backup_id).read_bytes())
    if damage is not None:
        with (folder / damage).open("r+b") as file:
            file.seek(8 * 4096)
            file.write(b"\xa5" * 2048)
    members = [Member(file.path, folder / file.path) for file in manifest.files if file.path not in but]
    inner = manifest.model_copy(update={"files": describe(members), "archive": None})
    home.archive(backup_id).unlink()
    packed = write_archive(inner, members, home.archive(backup_id))
    home.manifest(backup_id).write_bytes(inner.model_copy(update={"archive": packed}).to_json())


def test_the_replicas_copy_is_used(home: Home) -> None:
    """If the vault's archive has a wrong checksum, the replica's is proven and restored, and the report says so."""
    shutil.copytree(home.backups, home.root / "replica")
    flip(home.archive(home.ids[1]))
    settings = {"REPLICA_URI": "replica"}
    planned = home.run("restore", "--latest", "--dry-run", **settings).require(0).stdout
    assert "damaged: the archive in backups: " in planned
    done = home.run("restore", "--latest", "--yes", "--json", **settings).require(0).document
    assert done["staged"]["recovered_from"] == "the replica replica"
    assert "SHA-256" in done["staged"]["repairs"][0]
    assert require_bank(home.database) == 400


def test_a_replica_with_other_folders_is_searched(home: Home) -> None:
    """If the vault is named by one of its folders, the archive is found in the replica under its longer name."""
    shutil.copytree(home.backups, home.root / "replica" / "hourly" / "devops_hub")
    home.archive(home.ids[1]).write_bytes(b"")
    done = home.run("restore", "--latest", "--yes", REPLICA_URI="replica").require(0).stdout
    assert "taken from: the replica replica" in done
    assert require_bank(home.database) == 400


@pytest.mark.xdist_group("aws")
def test_an_unreachable_replica_is_reported(home: Home) -> None:
    """An unreachable replica is named in the error, beside the damage (a function in the VPC cannot reach it)."""
    flip(home.archive(home.ids[1]))
    before = tree(home.root)
    nowhere = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = home.run("restore", "--latest", "--yes", "--db-only", REPLICA_URI="s3://replica/backups/", **nowhere)
    done.require(
        12, "SHA-256", "s3://replica/backups/ could not be searched for other copies", "--salvage", home.ids[0]
    )
    assert tree(home.root) == before


@pytest.mark.xdist_group("aws")
def test_an_earlier_version_is_used(cloud_home: Home, aws: EmbeddedAws) -> None:
    """If the archive was overwritten, the version that the manifest describes is restored."""
    bucket, s3 = cloud_home.settings["BUCKET"], aws.client("s3", "us-east-1")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    vault = f"s3://{bucket}/backups/"
    made = cloud_home.run("backup", "--to", vault, "--no-drill", "--json").require(0).document
    s3.put_object(Bucket=bucket, Key=f"backups/{made['archive']}", Body=b"pay up" * 999)
    execute(cloud_home.database, "DELETE FROM ledger")
    done = cloud_home.run("restore", "--latest", "--from", vault, "--yes", "--json").require(0).document
    assert done["staged"]["recovered_from"].startswith("version ")
    assert require_bank(cloud_home.database) == 500


def test_the_database_is_rebuilt_from_the_dump(home: Home) -> None:
    """If an intact archive holds a corrupt database, the database is rebuilt from the dump with equal digests."""
    repack(home, home.ids[1], damage="devops_hub.db")
    done = home.run("restore", "--latest", "--yes", "--json").require(0).document
    assert done["staged"]["recovered_from"] == "the SQL dump in the archive"
    assert "failed its proof" in done["staged"]["repairs"][0]
    assert all(check["passed"] for check in done["staged"]["checks"])
    assert require_bank(home.database) == 400


def test_a_backup_that_cannot_be_proven_is_an_error_with_alternatives(home: Home) -> None:
    """Without another copy or a dump nothing changes, and the hint names the next older backup and --salvage."""
    repack(home, home.ids[1], damage="devops_hub.db", but=("devops_hub.sql",))
    before = tree(home.root)
    done = home.run("restore", "--latest", "--yes").require(12, "integrity_check of the restored database says")
    assert f"Take another backup: the next older good one is {home.ids[0]}; or restore what can be" in done.stderr
    assert "--salvage" in done.stderr
    assert tree(home.root) == before


def test_salvage_restores_the_readable_rows_and_says_so(home: Home) -> None:
    """`--salvage` restores a sound database with fewer rows, marked on screen and in the report; the old is kept."""
    repack(home, home.ids[1], damage="devops_hub.db", but=("devops_hub.sql",))
    done = home.run("restore", "--latest", "--yes", "--salvage").require(0).stdout
    assert "✗ salvaged: NOT PROVEN: " in done
    assert "SALVAGED, not proven: data/devops_hub.db" in done
    assert "1. This database was SALVAGED" in done
    assert rows(home.database, "PRAGMA integrity_check") == [("ok",)]
    assert 0 < rows(home.database, "SELECT count(*) FROM ledger")[0][0] < 400  # type: ignore[operator]
    assert [require_bank(path) for path in kept(home)] == [300]


@pytest.mark.parametrize("at", [0.4, 0.8, 0.95])
def test_salvage_of_a_truncated_archive(home: Home, at: float) -> None:
    """Salvage restores the rows that the truncated archive still holds, from the database or from the dump."""
    archive = home.archive(home.ids[1])
    archive.write_bytes(archive.read_bytes()[: int(archive.stat().st_size * at)])
    before = tree(home.root)
    home.run("restore", home.ids[1], "--yes").require(12, "--salvage")
    assert tree(home.root) == before
    report = home.run("restore", home.ids[1], "--yes", "--salvage", "--json").require(0).document
    assert rows(home.database, "PRAGMA integrity_check") == [("ok",)]
    found = rows(home.database, "SELECT count(*) FROM ledger")[0][0]
    assert isinstance(found, int)
    assert report["promoted"]["salvaged"] == (found < 400)


def test_salvage_is_not_used_when_a_proof_is_possible(home: Home) -> None:
    """For a good backup, --salvage makes no difference."""
    done = home.run("restore", "--latest", "--yes", "--salvage", "--json").require(0).document
    assert not done["promoted"]["salvaged"]
    assert require_bank(home.database) == 400


def test_rubbish_cannot_be_salvaged(home: Home) -> None:
    """An archive without a readable row is an error, and nothing changes."""
    home.archive(home.ids[1]).write_bytes(b"rubbish" * 5000)
    before = tree(home.root)
    home.run("restore", home.ids[1], "--yes", "--salvage").require(12, "nothing can be read")
    assert tree(home.root) == before


def test_salvage_of_a_database_that_was_backed_up_although_corrupt(home: Home) -> None:
    """`--salvage` restores the readable rows of a backup that `--allow-corrupt` made."""
    with closing(sqlite3.connect(home.database)) as connection:
        connection.execute("VACUUM")
    with home.database.open("r+b") as file:
        file.seek(6 * 4096)
        file.write(b"\xa5" * 4096)
    made = home.run("backup", "--db-only", "--allow-corrupt", "--json").require(0).document["backup_id"]
    home.run("restore", made, "--yes").require(12, "with --salvage")
    report = home.run("restore", made, "--yes", "--salvage", "--json").require(0).document
    assert report["promoted"]["salvaged"]
    assert rows(home.database, "PRAGMA integrity_check") == [("ok",)]
    assert rows(home.database, "SELECT count(*) FROM ledger")[0][0]
