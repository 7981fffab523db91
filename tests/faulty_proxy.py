"""A TCP proxy that cuts connections or damages bytes on a test's request."""

import contextlib
import socket
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

_BLOCK = 1 << 16
ALWAYS = 1 << 30


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault after `after` bytes in one direction, in the first `times` connections that reach that point."""

    direction: Literal["request", "answer"]
    after: int
    times: int = 1
    kind: Literal["cut", "flip"] = "cut"


class FaultyProxy:
    """Forwards connections and injects its fault while the context lasts; `happened` counts the faults."""

    def __init__(self, endpoint: str, fault: Fault) -> None:
        """Listen in front of `endpoint`, such as `http://127.0.0.1:8333`."""
        target = urlsplit(endpoint)
        self._target = (str(target.hostname), int(target.port or 80))
        self._fault = fault
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.happened = 0
        self.endpoint = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Begin to accept connections."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the proxy."""
        self.close()

    def close(self) -> None:
        """Cut every connection and refuse new ones."""
        for each in (self._listening, *self._open):
            _cut(each)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._target)
                self._open += [client, server]
                for direction, source, target in (("request", client, server), ("answer", server, client)):
                    threading.Thread(target=self._pass_on, args=(direction, source, target), daemon=True).start()

    def _pass_on(self, direction: str, source: socket.socket, target: socket.socket) -> None:
        left = self._fault.after if direction == self._fault.direction else None
        with contextlib.suppress(OSError):  # the other direction was cut
            while block := source.recv(_BLOCK):
                passes = block
                if left is not None and (left := left - len(block)) < 0:
                    passes = self._broken(block, len(block) + left)
                    left = None if passes else left
                target.sendall(passes)
                if not passes:
                    break
        _cut(source)
        _cut(target)

    def _broken(self, block: bytes, at: int) -> bytes:
        with self._lock:
            if self.happened >= self._fault.times:
                return block
            self.happened += 1
        return b"" if self._fault.kind == "cut" else block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]


def _cut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)  # wakes the thread that is waiting for data
    each.close()  # informs a sender, which would otherwise wait for its timeout
