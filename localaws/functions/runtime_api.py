"""A stub of the Lambda Runtime API, one HTTP server per container.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (next, response, error, init/error).
"""

import json
import queue
import threading
import time
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

MAX_RESPONSE_BYTES = 6291556  # "Function.ResponseSizeTooLarge" names this figure
RESPONSE_TOO_LARGE = {
    "errorMessage": f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).",
    "errorType": "Function.ResponseSizeTooLarge",
}


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event on its way to the function; `deadline` is seconds since the epoch."""

    request_id: str
    payload: bytes
    deadline: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The runtime's answer: a response, an error, or a failure to load the handler."""

    kind: Literal["response", "error", "init"]
    body: bytes


class RuntimeApi:
    """Passes invocations to one runtime process and receives its answers."""

    def __init__(self, function_arn: str) -> None:
        """Listen on a free port of this machine; `ready` is set once the runtime asks for its first event."""
        self.function_arn = function_arn
        self.ready = threading.Event()
        self.outcomes: queue.Queue[Outcome] = queue.Queue()
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._server = _Server(("127.0.0.1", 0), self)
        threading.Thread(target=self._server.serve_forever, name="runtime-api", daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port, as in `AWS_LAMBDA_RUNTIME_API`."""
        return f"127.0.0.1:{self._server.server_port}"

    def offer(self, invocation: Invocation) -> None:
        """Let the runtime fetch this invocation next."""
        self._waiting.put(invocation)

    def next(self) -> Invocation | None:
        """Wait for an invocation; None when closed."""
        self.ready.set()
        return self._waiting.get()

    def take(self, outcome: Outcome) -> None:
        """Keep an answer of the runtime."""
        self.outcomes.put(outcome)
        self.ready.set()

    def close(self) -> None:
        """Stop listening."""
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], api: RuntimeApi) -> None:
        self.api = api
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors: a killed runtime leaves a broken connection."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # with Nagle's algorithm off as well: else a warm call takes 80 ms instead of 2
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name is the base class's)
        """Log nothing."""

    def do_GET(self) -> None:
        """Answer `…/runtime/invocation/next`."""
        invocation = self.server.api.next()
        if invocation is None:
            self._reply(410, b"{}")
            return
        trace = f"Root=1-{int(time.time()):x}-{uuid.uuid4().hex[:24]};Sampled=0"
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.server.api.function_arn,
            "Lambda-Runtime-Trace-Id": trace,
        }
        self._reply(200, invocation.payload, headers)

    def do_POST(self) -> None:
        """Take `…/invocation/<id>/response`, `…/invocation/<id>/error` or `…/init/error`."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.endswith("/init/error"):
            self._accept(Outcome("init", body))
        elif self.path.endswith("/error"):
            self._accept(Outcome("error", body))
        elif len(body) > MAX_RESPONSE_BYTES:
            self.server.api.take(Outcome("error", json.dumps(RESPONSE_TOO_LARGE).encode()))
            self._reply(413, b'{"errorType": "RequestEntityTooLarge"}')
        else:
            self._accept(Outcome("response", body))

    def _accept(self, outcome: Outcome) -> None:
        self._reply(202, b'{"status": "OK"}')
        self.server.api.take(outcome)

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
