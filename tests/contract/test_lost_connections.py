"""Tests of S3 behind a network that cuts connections and damages bytes."""

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from localaws.seaweed import SeaweedS3
from sqlitevault.ground.errors import BackupExists, ChecksumMismatch, VaultUnavailable
from sqlitevault.vault.protocol import Vault
from sqlitevault.vault.s3.vault import _CLIENT, S3Vault, open_s3_vault
from tests.contents import MEBIBYTE, Content, make_content
from tests.contract.conftest import ON_SEAWEED
from tests.contract.stores import PLAIN, Store, bucket_store
from tests.faulty_proxy import ALWAYS, Fault, FaultyProxy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = ON_SEAWEED
PUT, PARTS = 5 * MEBIBYTE, 17 * MEBIBYTE
# A client waits for "100 Continue" before it sends a body; the bytes after that are the answer.
ANSWER_LOST = Fault("answer", after=len(b"HTTP/1.1 100 Continue\r\n\r\n"))
sized = pytest.mark.parametrize("size", [PUT, PARTS], ids=["put", "parts"])


class Network:
    """Vaults that reach the server through a proxy."""

    def __init__(self, server: SeaweedS3, session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
        """Set the server and the session."""
        self._server, self._session, self._monkeypatch = server, session, monkeypatch

    def proxy(self, fault: Fault) -> FaultyProxy:
        """Return a proxy, which becomes the endpoint of all vaults opened from now on."""
        proxy = FaultyProxy(self._server.endpoint, fault)
        self._monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        return proxy

    def vault(self, store: Store) -> Vault:
        """Return the store's vault as the application opens it."""
        return open_s3_vault(store.location, session=self._session)

    def impatient_vault(self, store: Store) -> Vault:
        """Return the store's vault with one retry instead of four, which would take seconds."""
        config = _CLIENT.merge(Config(retries={"mode": "standard", "total_max_attempts": 2}))
        return S3Vault(self._session.client("s3", config=config), PLAIN, store.location.split("/", 3)[3])


@pytest.fixture
def network(seaweed: SeaweedS3, session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Network:
    """The network between the vaults and the server."""
    return Network(seaweed, session, monkeypatch)


@pytest.fixture
def store(seaweed: SeaweedS3, session: boto3.Session, seaweed_client: "S3Client") -> Store:  # noqa: ARG001
    """An empty vault, reached without a proxy."""
    return bucket_store(session, seaweed_client, PLAIN)


@sized
def test_an_upload_survives_a_cut(store: Store, network: Network, tmp_path: Path, size: int) -> None:
    """An upload whose connection is lost midway is retried, and the whole content is stored."""
    content = make_content(tmp_path, size)
    with network.proxy(Fault("request", after=MEBIBYTE)) as proxy:
        network.vault(store).upload("a", content.path, sha256=content.sha256)
    assert proxy.happened == 1
    assert store.vault.read("a", limit=size) == content.data
    assert store.vault.sweep(0) == 0


@sized
def test_an_upload_that_is_always_cut_stores_nothing(store: Store, network: Network, tmp_path: Path, size: int) -> None:
    """The upload raises VaultUnavailable, the older object stays, and the unfinished upload is aborted."""
    content = make_content(tmp_path, size)
    store.vault.replace("a", b"older")
    with (
        network.proxy(Fault("request", after=MEBIBYTE, times=ALWAYS)) as proxy,
        pytest.raises(VaultUnavailable) as caught,
    ):
        network.impatient_vault(store).upload("a", content.path, sha256=content.sha256)
    assert proxy.happened >= 2
    assert "network" in caught.value.hint
    assert store.vault.read("a", limit=5) == b"older"
    assert store.vault.sweep(0) == 0


def test_an_upload_whose_network_is_gone_for_good_is_swept(store: Store, network: Network, tmp_path: Path) -> None:
    """An upload that could not be aborted is not listed as an object, and is swept when it is old enough."""
    content = make_content(tmp_path, PARTS)
    with network.proxy(Fault("request", after=ALWAYS)) as proxy, pytest.raises(VaultUnavailable):
        network.impatient_vault(store).upload(
            "a", content.path, sha256=content.sha256, on_bytes=lambda _: proxy.close()
        )
    assert list(store.vault.objects()) == []
    assert [store.vault.sweep(age) for age in (3600, 0, 0)] == [0, 1, 0]


def test_an_upload_that_cannot_be_aborted_raises_its_first_error(
    store: Store, network: Network, tmp_path: Path
) -> None:
    """The cause of the failure is raised, not the error of the clean-up after it."""
    content, other = make_content(tmp_path, PARTS), make_content(tmp_path, PARTS, seed=2)
    arrived: list[int] = []

    def close_at_the_end(count: int) -> None:
        arrived.append(count)
        if sum(arrived) == PARTS:
            proxy.close()

    with network.proxy(Fault("request", after=ALWAYS)) as proxy, pytest.raises(ChecksumMismatch):
        network.impatient_vault(store).upload("a", content.path, sha256=other.sha256, on_bytes=close_at_the_end)
    assert store.vault.sweep(0) == 1


@sized
def test_an_upload_damaged_in_transit_stores_nothing(store: Store, network: Network, tmp_path: Path, size: int) -> None:
    """The server compares the checksum of the content it receives, and the vault raises ChecksumMismatch."""
    content = make_content(tmp_path, size)
    with (
        network.proxy(Fault("request", after=MEBIBYTE, times=ALWAYS, kind="flip")) as proxy,
        pytest.raises(ChecksumMismatch),
    ):
        network.vault(store).upload("a", content.path, sha256=content.sha256)
    assert proxy.happened
    assert list(store.vault.objects()) == []
    assert store.vault.sweep(0) == 0


def test_a_create_whose_answer_is_lost_succeeds(store: Store, network: Network) -> None:
    """The retry recognises the object that the first attempt stored."""
    with network.proxy(ANSWER_LOST) as proxy:
        assert network.vault(store).create("a", b"content").bytes == 7
    assert proxy.happened == 1
    assert store.vault.read("a", limit=7) == b"content"


def test_a_create_whose_answer_is_lost_fails_if_the_object_is_another_writer_s(store: Store, network: Network) -> None:
    """The retry raises BackupExists if another writer stored the object."""
    store.vault.create("a", b"rival's")
    with network.proxy(ANSWER_LOST) as proxy, pytest.raises(BackupExists):
        network.vault(store).create("a", b"content")
    assert proxy.happened == 1


@sized
def test_a_download_survives_a_cut(store: Store, network: Network, tmp_path: Path, size: int) -> None:
    """A download whose connection is lost midway is retried, and the file is complete."""
    content = make_content(tmp_path, size)
    store.vault.upload("a", content.path, sha256=content.sha256)
    with network.proxy(Fault("answer", after=MEBIBYTE)) as proxy:
        assert network.vault(store).download("a", tmp_path / "back") == content.sha256
    assert proxy.happened == 1
    assert (tmp_path / "back").read_bytes() == content.data


def test_a_download_resumes_where_it_was_cut(store: Store, network: Network, tmp_path: Path) -> None:
    """A download succeeds even if every connection is cut before the end of a range."""
    content = make_content(tmp_path, PARTS)
    store.vault.upload("a", content.path, sha256=content.sha256)
    with network.proxy(Fault("answer", after=4 * MEBIBYTE, times=ALWAYS)) as proxy:
        assert network.vault(store).download("a", tmp_path / "back") == content.sha256
    assert proxy.happened >= 4
    assert (tmp_path / "back").read_bytes() == content.data


@sized
def test_a_download_that_is_always_cut_leaves_no_file(
    store: Store, network: Network, tmp_path: Path, size: int
) -> None:
    """A download raises VaultUnavailable if no connection lasts for a single block."""
    content = make_content(tmp_path, size)
    store.vault.upload("a", content.path, sha256=content.sha256)
    with (
        network.proxy(Fault("answer", after=100_000, times=ALWAYS)) as proxy,
        pytest.raises(VaultUnavailable) as caught,
    ):
        network.vault(store).download("a", tmp_path / "back")
    assert proxy.happened >= 2
    assert "network" in caught.value.hint
    assert not (tmp_path / "back").exists()


@sized
def test_a_download_damaged_in_transit_does_not_return_the_object_s_checksum(
    store: Store, network: Network, tmp_path: Path, size: int
) -> None:
    """Either the damage is detected and the range fetched again, or the returned checksum is the damaged file's."""
    content = make_content(tmp_path, size)
    store.vault.upload("a", content.path, sha256=content.sha256)
    with network.proxy(Fault("answer", after=MEBIBYTE, kind="flip")) as proxy:
        sha256 = network.vault(store).download("a", tmp_path / "back")
    assert proxy.happened == 1
    assert (sha256 == content.sha256) == ((tmp_path / "back").read_bytes() == content.data)


@pytest.mark.parametrize("times", [1, ALWAYS], ids=["once", "always"])
def test_a_damaged_range_is_fetched_again(store: Store, network: Network, tmp_path: Path, times: int) -> None:
    """A damaged range with a checksum is fetched again; if the damage persists, the download fails."""
    content = make_content(tmp_path, PARTS)
    store.vault.upload("a", content.path, sha256=content.sha256)
    with network.proxy(Fault("answer", after=MEBIBYTE, times=times, kind="flip")) as proxy:
        vault = network.vault(store)
        send_checksums_of_ranges(vault, content)
        if times == 1:
            assert vault.download("a", tmp_path / "back") == content.sha256
        else:
            with pytest.raises(ChecksumMismatch):
                vault.download("a", tmp_path / "back")
    assert proxy.happened == 1 or times == ALWAYS
    assert (tmp_path / "back").exists() == (times == 1)


def send_checksums_of_ranges(vault: Vault, content: Content) -> None:
    """Add the checksum of the part to each answer, as AWS does for a range that is a part and SeaweedFS does not."""
    assert isinstance(vault, S3Vault)

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        response: AWSResponse = URLLib3Session().send(request)
        headers: Any = request.headers
        first, last = headers["Range"].decode().removeprefix("bytes=").split("-")
        digest = hashlib.sha256(content.data[int(first) : int(last) + 1]).digest()
        response.headers["x-amz-checksum-sha256"] = base64.b64encode(digest).decode()
        return response

    vault._client.meta.events.register("before-send.s3.GetObject", send)  # type: ignore[arg-type]


def test_a_manifest_damaged_in_transit_is_not_returned(store: Store, network: Network) -> None:
    """The content read is compared with the checksum stored on the server."""
    store.vault.replace("a", b"content " * 10_000)
    with network.proxy(Fault("answer", after=20_000, kind="flip")) as proxy, pytest.raises(ChecksumMismatch):
        network.vault(store).read("a", limit=80_000)
    assert proxy.happened == 1


def test_a_refused_connection_is_unavailable(store: Store, network: Network) -> None:
    """A refused connection raises VaultUnavailable with a hint about the endpoint."""
    network.proxy(Fault("request", after=0)).close()
    with pytest.raises(VaultUnavailable) as caught:
        network.impatient_vault(store).read("a", limit=1)
    assert "AWS_ENDPOINT_URL" in caught.value.hint
