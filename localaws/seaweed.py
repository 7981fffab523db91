"""An S3 server independent of moto: SeaweedFS checks signatures, checksums, conditions and Object Lock."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localaws.embedded import START_SECONDS, STOP_SECONDS, StartError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"
_KEY_ID, _SECRET = "owner", "a secret used only on this machine"
_PORTS = ("master", "volume", "filer", "s3")
# Below the ports of outgoing connections: the system could assign one of those before the server binds it.
_PORT_RANGE = range(20_000, 30_000)

# Runs the server while its standard input is open, then removes its files: SeaweedFS always puts sockets into /tmp, and
# would outlive a killed test.
_GUARD = """
import glob, os, shutil, subprocess, sys, threading
folder, ports, *command = sys.argv[1:]
server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
threading.Thread(target=lambda: (sys.stdin.read(), server.kill()), daemon=True).start()
server.wait()
for port in ports.split(","):
    for path in glob.glob(f"/tmp/seaweedfs-*-{port}.sock"):
        os.unlink(path)
shutil.rmtree(folder, ignore_errors=True)
"""


class SeaweedS3:
    """A SeaweedFS with an empty temporary store while the context lasts; it also stops when this process is killed."""

    def __init__(self) -> None:
        """Start nothing yet; `endpoint` is known once the context is entered."""
        self.endpoint = ""
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start and wait until objects can be stored.

        Raises:
            StartError: it ended, or did not answer within 60 seconds.
        """
        with tempfile.TemporaryFile() as log:
            self._guard = self._launch(log)
            try:
                self._wait_until_ready(self._guard, log)
            except BaseException:
                self.stop()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def session(self, *, secret: str = _SECRET) -> boto3.Session:
        """Return a session with the owner's credentials, or with a wrong secret."""
        return boto3.Session(aws_access_key_id=_KEY_ID, aws_secret_access_key=secret, region_name=REGION)

    def client(self) -> "S3Client":
        """Return a client of the owner, who has all permissions; it does not retry."""
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=16)
        return self.session().client("s3", endpoint_url=self.endpoint, config=config)

    def environment(self) -> dict[str, str]:
        """Return the variables that make every AWS client use this server as its owner."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": _KEY_ID,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    @property
    def pid(self) -> int:
        """The process that guards the server; its group holds both."""
        if self._guard is None:
            raise RuntimeError("not started")
        return self._guard.pid

    def stop(self) -> None:
        """End the server and remove everything it stored."""
        guard, self._guard = self._guard, None
        if guard is None or guard.stdin is None:
            return
        guard.stdin.close()  # the signal to stop
        with contextlib.suppress(subprocess.TimeoutExpired):
            guard.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(guard.pid, signal.SIGKILL)  # the rest of its session
        guard.wait()

    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        folder = Path(tempfile.mkdtemp(prefix="seaweed-"))
        identity = {
            "name": "owner",
            "credentials": [{"accessKey": _KEY_ID, "secretKey": _SECRET}],
            "actions": ["Admin"],
        }
        (folder / "ids.json").write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
        ports = _free_ports(2 * len(_PORTS))
        self.endpoint = f"http://127.0.0.1:{ports[_PORTS.index('s3')]}"
        guarded = [str(folder), ",".join(map(str, ports)), *_command(folder, ports)]
        return subprocess.Popen(
            [sys.executable, "-I", "-c", _GUARD, *guarded],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, "TMPDIR": str(folder)},  # its log files
            start_new_session=True,
        )

    def _wait_until_ready(self, guard: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and guard.poll() is None:
            try:
                self._store_something()
            except (BotoCoreError, ClientError):
                time.sleep(0.05)
            else:
                return
        log.seek(0)
        raise StartError(f"SeaweedFS did not start:\n{log.read().decode(errors='replace')[-2000:]}")

    def _store_something(self) -> None:
        client, probe = self.client(), "ready"
        with contextlib.suppress(ClientError):  # it exists from the previous attempt
            client.create_bucket(Bucket=probe)
        client.put_object(Bucket=probe, Key=probe, Body=b"!")
        client.delete_object(Bucket=probe, Key=probe)
        client.delete_bucket(Bucket=probe)


def _command(folder: Path, ports: list[int]) -> list[str]:
    options = {"ip": "127.0.0.1", "ip.bind": "127.0.0.1", "dir": folder, "s3.config": folder / "ids.json"}
    for name, port, grpc in zip(_PORTS, ports[: len(_PORTS)], ports[len(_PORTS) :], strict=True):
        options |= {f"{name}.port": port, f"{name}.port.grpc": grpc}
    options |= {"s3.port.iceberg": 0, "s3.port.lance": 0, "master.telemetry": "false", "s3.autoCreateBucket": "false"}
    options |= {"volume.max": 200, "master.volumeSizeLimitMB": 64}  # every bucket takes some volumes
    weed = Path(sysconfig.get_path("scripts")) / "weed"
    return [str(weed), "server", "-s3", "-filer", *(f"-{name}={value}" for name, value in options.items())]


def _free_ports(count: int) -> list[int]:
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        for port in random.sample(_PORT_RANGE, len(_PORT_RANGE)):
            if len(ports) == count:
                break
            taken = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                taken.bind(("127.0.0.1", port))
                ports.append(port)
    return ports
