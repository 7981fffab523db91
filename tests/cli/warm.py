"""Run `sqlitevault` in forks of a process that has imported it: imports take ten times as long as most commands.

A fork is a full process with its own folder, environment, streams and exit code. Only the start of the installed
program is not tested here; `tests.cli.command.run` does that.
"""

import atexit
import gc
import importlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import boto3

from tests.boto_files import read_once

REPOSITORY = Path(__file__).parents[2]
_MESSAGE_BYTES = 1 << 17
_STREAMS = (sys.stdin, sys.stdout, sys.stderr)
# Modules that verbs import late, or only for a bucket.
_LATER = ("_strptime", "rich._emoji_codes", "rich._unicode_data", "click._textwrap", "encodings.utf_8_sig")


class Warm:
    """A process that runs commands in forks of itself, one at a time. It ends with the process that started it."""

    def __init__(self) -> None:
        """Start it; it imports while the first command waits."""
        self._lock = threading.Lock()
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        paths = os.pathsep.join((str(REPOSITORY), str(REPOSITORY / "lambdas")))
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env={**os.environ, "PYTHONPATH": paths}, cwd=REPOSITORY, stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )  # fmt: skip

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Sequence[int], seconds: float
    ) -> int:
        """Run a command with these descriptors as stdin, stdout and stderr, and return its exit code.

        Raises:
            TimeoutError: it took longer; it is killed.
            EOFError: the process that forks has ended.
        """
        asked = json.dumps({"words": words, "folder": str(folder), "environment": dict(environment)})
        with self._lock:
            socket.send_fds(self._ours, [asked.encode()], streams)
            pid = self._receive(None)
            try:
                return os.waitstatus_to_exitcode(self._receive(seconds))
            except TimeoutError:
                os.kill(pid, 9)
                self._receive(None)
                raise

    def _receive(self, seconds: float | None) -> int:
        self._ours.settimeout(seconds)
        answer = self._ours.recv(_MESSAGE_BYTES)
        if not answer:
            raise EOFError(f"the process that forks ended with {self._server.wait()}")
        return int(answer)


@cache
def warm() -> Warm:
    """Return this process's single instance."""
    return Warm()


def serve(link: socket.socket) -> None:
    """Run requested commands until the other end closes."""
    main = _import_everything()
    if threading.active_count() > 1:
        raise RuntimeError("a module starts a thread when it is imported; forks would lack it")
    while True:
        asked, streams, _, _ = socket.recv_fds(link, _MESSAGE_BYTES, 3)
        if not asked:
            return
        pid = os.fork()
        if pid == 0:
            link.close()
            _become(main, streams, **json.loads(asked))
        for stream in streams:
            os.close(stream)
        link.send(str(pid).encode())
        link.send(str(os.waitpid(pid, 0)[1]).encode())


def _import_everything() -> Any:
    read_once()
    program = importlib.import_module("sqlitevault.cli")
    for name in sorted(Path(str(program.__file__)).parent.glob("*.py")):
        if name.stem != "__init__":
            importlib.import_module(f"sqlitevault.cli.{name.stem}")
    for later in _LATER:
        importlib.import_module(later)
    for service in ("s3", "cloudwatch", "sns"):
        boto3.Session("x", "x").client(service, "us-east-1")
    gc.collect()
    gc.freeze()  # otherwise every fork would copy these pages
    return program.main


def _become(
    main: Any, streams: Sequence[int], words: Sequence[str], folder: str, environment: Mapping[str, str]
) -> NoReturn:
    """Turn this process into the one that `execve` would make, but keep the imports."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    tempfile.tempdir = None
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (_opened(number, like) for number, like in enumerate(_STREAMS))
    sys.argv = list(words)
    _end(_exit_code(main))


def _opened(descriptor: int, like: Any) -> Any:
    by_line = descriptor == 2 or os.isatty(descriptor)
    return open(descriptor, "w" if descriptor else "r", 1 if by_line else -1, like.encoding, like.errors, closefd=False)


def _exit_code(main: Any) -> int:
    try:
        main()
    except SystemExit as left:
        if left.code is None or isinstance(left.code, int):
            return left.code or 0
        sys.stderr.write(f"{left.code}\n")
        return 1
    except BaseException:  # noqa: BLE001  (as the interpreter does)
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """End as Python does, but without freeing memory, which would take longer than the command."""
    waiting: ModuleType | Any = threading
    waiting._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as link_to_tests:
        serve(link_to_tests)
