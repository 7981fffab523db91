"""One container of a function: a process running `python -m awslambdaric`, kept warm between invocations.

Behaviour copied from AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import contextlib
import json
import queue
import re
import shutil
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from localaws.functions.environment import function_environment
from localaws.functions.facts import FunctionFacts
from localaws.functions.runtime_api import Invocation, Outcome, RuntimeApi

INIT_SECONDS = 10.0  # AWS's limit for the init phase


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one invocation. `payload` is the response, or the error as JSON if `function_error` is set."""

    request_id: str
    payload: bytes
    function_error: str | None
    seconds: float
    init_seconds: float | None
    max_memory_bytes: int
    log: str

    @property
    def cold(self) -> bool:
        """Whether this invocation had to start the container."""
        return self.init_seconds is not None


class Container:
    """Runs one function, one invocation at a time. Not thread-safe: the runner gives it to one caller."""

    def __init__(self, facts: FunctionFacts, *, task_root: Path, runtime: Path, folder: Path, endpoint: str) -> None:
        """Prepare a container whose /tmp and log are below `folder`; the process starts with the first invocation."""
        self.facts = facts
        self._folder = folder / uuid.uuid4().hex
        self._scratch = self._folder / "tmp"
        self._scratch.mkdir(parents=True)
        self._log = self._folder / "log"
        self._task_root, self._runtime, self._endpoint = task_root, runtime, endpoint
        self._api: RuntimeApi | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether a warm process waits for the next event."""
        return self._process is not None and self._process.poll() is None

    def invoke(self, payload: bytes) -> Result:
        """Run the handler on `payload` (JSON), within the function's timeout."""
        began_log = self._log.stat().st_size if self._log.exists() else 0
        init_seconds = None if self.running else self._start()
        request_id = str(uuid.uuid4())
        began = time.monotonic()
        outcome = self._run(Invocation(request_id, payload, time.time() + self.facts.timeout))
        seconds = time.monotonic() - began
        memory = self._peak_memory()
        if outcome.kind == "init" or b'"Function.ResponseSizeTooLarge"' in outcome.body:
            self.kill()  # the runtime exits after either
        log = self._framed_log(request_id, began_log, seconds, init_seconds, memory)
        error = None if outcome.kind == "response" else "Unhandled"
        return Result(request_id, outcome.body, error, seconds, init_seconds, memory, log)

    def kill(self) -> None:
        """End the process, if there is one; the next invocation starts cold."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._api is not None:
            self._api.close()
            self._api = None

    def close(self) -> None:
        """End the process and remove the container's /tmp."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> float:
        self.kill()
        began = time.monotonic()
        self._api = RuntimeApi(self.facts.arn)
        environment = function_environment(
            self.facts,
            task_root=self._task_root,
            runtime=self._runtime,
            scratch=self._scratch,
            runtime_api=self._api.address,
            endpoint=self._endpoint,
        )
        # -S: no site-packages, so the function sees only its zip and the runtime's own packages.
        command = [sys.executable, "-S", "-m", "awslambdaric", self.facts.handler]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._task_root, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        while not self._api.ready.wait(0.01):
            if self._process.poll() is not None or time.monotonic() - began > INIT_SECONDS:
                break
        return time.monotonic() - began

    def _run(self, invocation: Invocation) -> Outcome:
        if self._api is None or self._process is None:
            raise RuntimeError("the container was not started")
        with contextlib.suppress(queue.Empty):
            return self._api.outcomes.get_nowait()  # the handler could not be loaded
        self._api.offer(invocation)
        while True:
            with contextlib.suppress(queue.Empty):
                return self._api.outcomes.get(timeout=0.02)
            if time.time() > invocation.deadline:
                self.kill()
                timed_out = f"Task timed out after {self.facts.timeout:.2f} seconds"
                return _failure(invocation, "Sandbox.Timedout", timed_out)
            status = self._process.poll()
            if status is not None and self._api.outcomes.empty():
                self.kill()
                return _failure(invocation, "Runtime.ExitError", f"Runtime exited with error: {_exit(status)}")

    def _peak_memory(self) -> int:
        """Return the process's largest resident size so far in bytes; 0 if the system does not report it."""
        if self._process is None:
            return 0
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
            if found := re.search(r"VmHWM:\s+(\d+) kB", status):
                return int(found[1]) * 1024
        return 0

    def _framed_log(self, request_id: str, offset: int, seconds: float, init_seconds: float | None, memory: int) -> str:
        with self._log.open("rb") as file:
            file.seek(offset)
            own = file.read().decode(errors="replace").replace("\r", "\n")
        milliseconds = seconds * 1000
        report = (
            f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms"
            f"\tBilled Duration: {int(milliseconds) + 1} ms\tMemory Size: {self.facts.memory_mb} MB"
            f"\tMax Memory Used: {memory >> 20} MB"
        )
        if init_seconds is not None:
            report += f"\tInit Duration: {init_seconds * 1000:.2f} ms"
        start, end = f"START RequestId: {request_id} Version: $LATEST", f"END RequestId: {request_id}"
        return "\n".join((start, *own.splitlines(), end, report)) + "\n"


def _failure(invocation: Invocation, kind: str, message: str) -> Outcome:
    full = f"RequestId: {invocation.request_id} Error: {message}"
    return Outcome("error", json.dumps({"errorType": kind, "errorMessage": full}).encode())


def _exit(status: int) -> str:
    return f"signal: {-status}" if status < 0 else f"exit status {status}"
