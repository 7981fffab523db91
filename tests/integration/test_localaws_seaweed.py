"""The SeaweedFS server of the tests, which always ends with them."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from localaws.seaweed import SeaweedS3

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = """
import time
from localaws.seaweed import SeaweedS3
with SeaweedS3() as server:
    print(server.endpoint, flush=True)
    time.sleep(600)
"""


def answers(endpoint: str) -> bool:
    """Return whether a server listens there."""
    target = urlsplit(endpoint)
    with socket.socket() as client:
        return client.connect_ex((str(target.hostname), int(target.port or 80))) == 0


def test_a_killed_test_leaves_neither_server_nor_files(tmp_path: Path) -> None:
    """When the process that started it is killed, the server stops and removes its store."""
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", _PROGRAM], env=environment, stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        endpoint = user.stdout.readline().decode().strip()
        assert answers(endpoint)
        assert list(tmp_path.iterdir())
        user.kill()
    until = time.monotonic() + 30
    while (answers(endpoint) or list(tmp_path.iterdir())) and time.monotonic() < until:
        time.sleep(0.05)
    assert not answers(endpoint)
    assert list(tmp_path.iterdir()) == []


def test_stopping_ends_the_server_at_once() -> None:
    """The context's end stops the server, and a second stop is not an error."""
    with SeaweedS3() as server:
        server.client().create_bucket(Bucket="bucket")
        assert answers(server.endpoint)
    assert not answers(server.endpoint)
    server.stop()
