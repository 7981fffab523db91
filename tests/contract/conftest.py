"""The vaults under contract: a directory, memory, and buckets in moto and SeaweedFS."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from localaws.seaweed import SeaweedS3
from sqlitevault.vault.opening import KINDS
from sqlitevault.vault.protocol import Vault
from tests.contract.memory import KIND
from tests.contract.stores import LOCKED, PLAIN, Store, bucket_store, directory_store, make_buckets, memory_store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

YEAR = 365 * 86_400.0
ON_SEAWEED = pytest.mark.xdist_group("seaweed")  # one worker, one server


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def seaweed_server() -> Iterator[SeaweedS3]:
    """One SeaweedFS server with both buckets, shared by all tests."""
    with SeaweedS3() as server:
        make_buckets(server.client())
        yield server


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """One session, because the first client of each session is slow; moto accepts any credentials."""
    return SeaweedS3().session()


@pytest.fixture
def seaweed(seaweed_server: SeaweedS3, monkeypatch: pytest.MonkeyPatch) -> SeaweedS3:
    """The server, with the environment set so that every AWS client reaches it."""
    for name, value in seaweed_server.environment().items():
        monkeypatch.setenv(name, value)
    return seaweed_server


@pytest.fixture(scope="session")
def seaweed_client(seaweed_server: SeaweedS3) -> "S3Client":
    """A client with the credentials of SeaweedFS's owner."""
    return seaweed_server.client()


@pytest.fixture(scope="session")
def moto_client(session: boto3.Session) -> "S3Client":
    """A client that reaches moto while it is running."""
    return session.client("s3")


@pytest.fixture
def moto(moto_client: "S3Client", monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Moto in this process, with both buckets and nothing else.

    It handles one request at a time: it checks for an object and stores it in two steps, which S3 does in one.
    """
    answer, one_at_a_time = BotocoreStubber.__call__, threading.Lock()

    def answer_alone(stubber: BotocoreStubber, event_name: str, request: Any, **kwargs: Any) -> Any:
        with one_at_a_time:
            return answer(stubber, event_name, request, **kwargs)

    monkeypatch.setattr(BotocoreStubber, "__call__", answer_alone)
    with mock_aws():
        make_buckets(moto_client)
        yield


@pytest.fixture(
    params=[
        pytest.param("directory"),
        pytest.param("memory"),
        pytest.param(f"moto-{PLAIN}"),
        pytest.param(f"moto-{LOCKED}"),
        pytest.param(f"seaweed-{PLAIN}", marks=ON_SEAWEED),
        pytest.param(f"seaweed-{LOCKED}", marks=ON_SEAWEED),
    ]
)
def store(
    request: pytest.FixtureRequest, session: boto3.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Store:
    """An empty store of each kind in turn."""
    kind, _, bucket = str(request.param).partition("-")
    if kind == "directory":
        return directory_store(tmp_path)
    if kind == "memory":
        monkeypatch.setattr("sqlitevault.vault.opening.KINDS", KINDS | KIND)
        return memory_store()
    request.getfixturevalue(kind)
    client = request.getfixturevalue(f"{kind}_client")
    if kind == "moto":
        return bucket_store(session, client, bucket, young_seconds=100 * YEAR)
    return bucket_store(session, client, bucket, in_order=bucket == LOCKED, refuses_versions=bucket == LOCKED)


@pytest.fixture
def vault(store: Store) -> Vault:
    """The store's vault."""
    return store.vault
