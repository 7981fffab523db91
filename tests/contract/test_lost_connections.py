"""S3 behind a network that cuts connections and damages bytes."""

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
# A client asks before it sends a body; what comes after that go-ahead is the answer.
ANSWER_LOST = Fault("answer", after=len(b"HTTP/1.1 100 Continue\r\n\r\n"))
sized = pytest.mark.parametrize("size", [PUT, PARTS], ids=["put", "parts"])


class Network:
    """Vaults that reach the server through a proxy."""

    def __init__(self, server: SeaweedS3, session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
        """Remember what is in between."""
        self._server, self._session, self._monkeypatch = server, session, monkeypatch

    def proxy(self, fault: Fault) -> FaultyProxy:
        """Return a proxy, from now on everybody's endpoint."""
        proxy = FaultyProxy(self._server.endpoint, fault)
        self._monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        return proxy

    def vault(self, store: Store) -> Vault:
        """Return the store's vault as the application opens it."""
        return open_s3_vault(store.location, session=self._session)

    def impatient_vault(self, store: Store) -> Vault:
        """Return it with one retry instead of four, which would wait for seconds."""
        config = _CLIENT.merge(Config(retries={"mode": "standard", "total_max_attempts": 2}))
        return S3Vault(self._session.client("s3", config=config), PLAIN, store.location.split("/", 3)[3])


@pytest.fixture
def network(seaweed: SeaweedS3, session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Network:
    """What lies between the vaults and the server."""
    return Network(seaweed, session, monkeypatch)


@pytest.fixture
def store(seaweed: SeaweedS3, session: boto3.Session, seaweed_client: "S3Client") -> Store:  # noqa: ARG001
    """An empty vault that is reached directly."""
    return bucket_store(session, seaweed_client, PLAIN)


@sized
def test_an_upload_survives_a_cut(store: Store, network: Network, tmp_path: Path, size: int) -> None:
    """A connection lost midway is made again, and everything arrives."""
    content = make_content(tmp_path, size)
    with network.proxy(Fault("request", after=MEBIBYTE)) as proxy:
        network.vault(store).upload("a", content.path, sha256=content.sha256)
    assert proxy.happened == 1
    assert store.vault.read("a", limit=size) == content.data
    assert store.vault.sweep(0) == 0


@sized
def test_an_upload_that_is_always_cut_stores_nothing(store: Store, network: Network, tmp_path: Path, size: int) -> None:
    """It fails as unavailable, what has the name stays, and the unfinished upload is aborted."""
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
    """An upload that cannot be aborted any more is not an object, and is cleared when it is old enough."""
    content = make_content(tmp_path, PARTS)
    with network.proxy(Fault("request", after=ALWAYS)) as proxy, pytest.raises(VaultUnavailable):
        network.impatient_vault(store).upload(
            "a", content.path, sha256=content.sha256, on_bytes=lambda _: proxy.close()
        )
    assert list(store.vault.objects()) == []
    assert [store.vault.sweep(age) for age in (3600, 0, 0)] == [0, 1, 0]


def test_why_an_upload_failed_is_told_although_it_cannot_be_aborted(
    store: Store, network: Network, tmp_path: Path
) -> None:
    """The first error is the one that helps, not that of clearing up."""
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
def test_an_upload_damaged_on_its_way_stores_nothing(store: Store, network: Network, tmp_path: Path, size: int) -> None:
    """The server compares what arrives, and the vault says that it differs."""
    content = make_content(tmp_path, size)
    with (
        network.proxy(Fault("request", after=MEBIBYTE, times=ALWAYS, kind="flip")) as proxy,
        pytest.raises(ChecksumMismatch),
    ):
        network.vault(store).upload("a", content.path, sha256=content.sha256)
    assert proxy.happened
    assert list(store.vault.objects()) == []
    assert store.vault.sweep(0) == 0


def test_a_creator_whose_answer_is_lost_has_won(store: Store, network: Network) -> None:
    """The retry finds the object of the first try, not of a rival."""
    with network.proxy(ANSWER_LOST) as proxy:
        assert network.vault(store).create("a", b"content").bytes == 7
    assert proxy.happened == 1
    assert store.vault.read("a", limit=7) == b"content"


def test_a_creator_whose_answer_is_lost_does_not_take_a_rival_s_for_its_own(store: Store, network: Network) -> None:
    """The retry of the second writer fails."""
    store.vault.create("a", b"rival's")
    with network.proxy(ANSWER_LOST) as proxy, pytest.raises(BackupExists):
        network.vault(store).create("a", b"content")
    assert proxy.happened == 1


@sized
def test_a_download_survives_a_cut(store: Store, network: Network, tmp_path: Path, size: int) -> None:
    """A connection lost midway is made again, and every byte is there."""
    content = make_content(tmp_path, size)
    store.vault.upload("a", content.path, sha256=content.sha256)
    with network.proxy(Fault("answer", after=MEBIBYTE)) as proxy:
        assert network.vault(store).download("a", tmp_path / "back") == content.sha256
    assert proxy.happened == 1
    assert (tmp_path / "back").read_bytes() == content.data


def test_a_download_goes_on_where_it_was_cut(store: Store, network: Network, tmp_path: Path) -> None:
    """Although no connection lasts for a whole range, all of them together do."""
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
    """It fails as unavailable when not even a block gets through."""
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
def test_a_download_damaged_on_its_way_is_never_taken_for_the_object(
    store: Store, network: Network, tmp_path: Path, size: int
) -> None:
    """Either the damage is found and the range fetched again, or the checksum returned is the damaged file's."""
    content = make_content(tmp_path, size)
    store.vault.upload("a", content.path, sha256=content.sha256)
    with network.proxy(Fault("answer", after=MEBIBYTE, kind="flip")) as proxy:
        sha256 = network.vault(store).download("a", tmp_path / "back")
    assert proxy.happened == 1
    assert (sha256 == content.sha256) == ((tmp_path / "back").read_bytes() == content.data)


@pytest.mark.parametrize("times", [1, ALWAYS], ids=["once", "always"])
def test_a_damaged_range_is_fetched_again(store: Store, network: Network, tmp_path: Path, times: int) -> None:
    """If the server sends a range's checksum, damage costs the range; if it persists, the download fails."""
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
    """Add what AWS answers to a range that is a part, and SeaweedFS does not: the part's checksum."""
    assert isinstance(vault, S3Vault)

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        response: AWSResponse = URLLib3Session().send(request)
        headers: Any = request.headers
        first, last = headers["Range"].decode().removeprefix("bytes=").split("-")
        digest = hashlib.sha256(content.data[int(first) : int(last) + 1]).digest()
        response.headers["x-amz-checksum-sha256"] = base64.b64encode(digest).decode()
        return response

    vault._client.meta.events.register("before-send.s3.GetObject", send)  # type: ignore[arg-type]


def test_a_manifest_damaged_on_its_way_is_not_returned(store: Store, network: Network) -> None:
    """What is read is compared with the checksum that the server has stored."""
    store.vault.replace("a", b"content " * 10_000)
    with network.proxy(Fault("answer", after=20_000, kind="flip")) as proxy, pytest.raises(ChecksumMismatch):
        network.vault(store).read("a", limit=80_000)
    assert proxy.happened == 1


def test_nobody_there_is_unavailable(store: Store, network: Network) -> None:
    """A refused connection is an error that says so."""
    network.proxy(Fault("request", after=0)).close()
    with pytest.raises(VaultUnavailable) as caught:
        network.impatient_vault(store).read("a", limit=1)
    assert "AWS_ENDPOINT_URL" in caught.value.hint
