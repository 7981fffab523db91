"""Fixtures for following runbooks: servers, a sample database, and vaults."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from localaws import EmbeddedAws
from localaws.clients import access_environment
from localaws.sample import make_sample_database
from tests.runbooks.place import Place, make_place

REGION = "us-east-1"


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small database with the application's tables."""
    return make_sample_database(tmp_path_factory.mktemp("sample") / "devops_hub.db", megabytes=1)


@pytest.fixture
def server(tmp_path: Path, sample: Path) -> Iterator[Place]:
    """A server with Docker Compose: its folder and the running application, without a backup."""
    folder = tmp_path / "devops-hub"
    (folder / "data").mkdir(parents=True)
    database = folder / "data" / "devops_hub.db"
    database.write_bytes(sample.read_bytes())
    (folder / "docker-compose.yml").write_text("services:\n  api:\n    image: devops-hub:1\n")
    (folder / ".env").write_text("HUB_TOKEN=not-for-any-archive\n")
    place = make_place(folder, database, {})
    place.start()
    yield place
    place.stop()


@pytest.fixture
def vault(aws: EmbeddedAws, request: pytest.FixtureRequest) -> str:
    """The URI of a vault in a bucket that keeps and locks versions, like the deployed one."""
    name = f"vault-{sha256(request.node.name.encode()).hexdigest()[:12]}"
    s3 = aws.client("s3", REGION)
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 7}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    return f"s3://{name}/backups/"


@pytest.fixture
def cloud_server(server: Place, aws: EmbeddedAws, vault: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The server, with access to the embedded AWS and a vault for its commands and for the test."""
    access = access_environment(aws.endpoint, REGION)
    for name, value in access.items():
        monkeypatch.setenv(name, value)
    return Place(server.folder, server.stand_in, {**access, "VAULT": vault})
