"""An embedded AWS in its own process."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from localaws.clients import Clients, command_environment
from localaws.control import Control

READY_FILE = "server.json"
START_SECONDS = 60.0
STOP_SECONDS = 5.0


class StartError(Exception):
    """The embedded AWS did not start; the message ends with its log."""


class EmbeddedAws:
    """An embedded AWS while the context lasts.

    The server stops when the context ends, and also when this process is killed: it watches a pipe that this process
    holds. It runs in its own session, so Ctrl-C reaches only this process, which then stops the server.
    """

    def __init__(
        self,
        state: Path | None = None,
        *,
        port: int = 0,
        file_systems: Mapping[str, Path] | None = None,
        keep: bool = False,
    ) -> None:
        """Set how to start.

        Args:
            state: directory for unpacked code, file systems, logs; a temporary one, removed at the end, if None.
            port: 0 selects a free one.
            file_systems: directory that serves as a region's EFS; by default one below `state`.
            keep: leave the server running at the end, and when this process dies.
        """
        self._given_state, self._port, self._keep = state, port, keep
        self._file_systems = dict(file_systems or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.state = Path()
        self.endpoint = ""

    def __enter__(self) -> Self:
        """Start and wait until it answers.

        Raises:
            StartError: it ended, or did not answer within 60 seconds.
        """
        self.state = self._given_state or Path(tempfile.mkdtemp(prefix="localaws-"))
        self.state.mkdir(parents=True, exist_ok=True)
        (self.state / READY_FILE).unlink(missing_ok=True)
        self._process = self._launch()
        try:
            self.endpoint = self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise
        self.control = Control(self.endpoint)
        self.clients = Clients(self.endpoint)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, unless `keep` is set."""
        if not self._keep:
            self.stop()

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.state / "server.log"

    @property
    def pid(self) -> int:
        """The server's process id, which is also its process group's."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    def client(self, service: str, region: str) -> Any:
        """Return a boto3 client of this embedded AWS."""
        return self.clients(service, region)

    def environment(self, region: str) -> dict[str, str]:
        """Return the environment for a command (aws, cdk, sqlitevault) that uses this embedded AWS."""
        return command_environment(self.endpoint, region)

    def stop(self) -> None:
        """End the server and everything it started; remove its state if that was temporary."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()  # the signal to stop
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the rest of its session
            process.wait()
        if self._given_state is None:
            shutil.rmtree(self.state, ignore_errors=True)

    def _launch(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "localaws", "--port", str(self._port), "--state", str(self.state)]
        for region, folder in self._file_systems.items():
            command += ["--file-system", f"{region}={folder}"]
        if not self._keep:
            command.append("--while-stdin-is-open")
        root = Path(__file__).resolve().parents[1]
        # Without this machine's AWS settings: a profile that does not exist would stop boto3 even here.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment["PYTHONPATH"] = os.pathsep.join((str(root), str(root / "lambdas")))
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL if self._keep else subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> str:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(FileNotFoundError, urllib.error.URLError, ConnectionError):
                endpoint: str = json.loads((self.state / READY_FILE).read_text(encoding="utf-8"))["endpoint"]
                request = urllib.request.Request(f"{endpoint}/_localaws/status", b"{}")  # noqa: S310
                with urllib.request.urlopen(request, timeout=10):  # noqa: S310
                    return endpoint
            time.sleep(0.05)
        tail = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise StartError(f"the embedded AWS did not start:\n{tail}")
