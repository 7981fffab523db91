"""Run the `sqlitevault` command as a user types it, in its own process; keep its streams and exit code."""

import json
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.warm import warm

REPOSITORY = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("sqlitevault")
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")
_SECONDS = 60
_SCREEN = 200
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # a terminal's colours and cursor movements


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a command. On a terminal, stderr is everything that the screen showed."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The JSON document that is all of stdout."""
        return json.loads(self.stdout)

    def require(self, code: int, *said: str) -> "Outcome":
        """Check that the command ended with this code, with these texts on stderr, and a hint if it failed."""
        screen = _CONTROL.sub("", self.stderr)
        assert self.code == code, self
        for text in said:
            assert text in screen, self
        assert "Traceback" not in screen, self
        if code:
            assert "\nWhat to do: " in screen.replace("\r", ""), self
        return self


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a command: these settings, without variables of this process that could affect it."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | dict(settings)


def run(command: Sequence[str | Path], folder: Path, settings: Mapping[str, str]) -> Outcome:
    """Run a command in a folder, without a terminal."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def run_warm(arguments: Sequence[str | Path], folder: Path, settings: Mapping[str, str]) -> Outcome:
    """Run `sqlitevault` in a folder, without a terminal, in a fork of a process that has imported it."""
    with (
        Path(os.devnull).open("rb") as stdin,
        tempfile.TemporaryFile("w+", encoding="utf-8") as stdout,
        tempfile.TemporaryFile("w+", encoding="utf-8") as stderr,
    ):
        streams = [stdin.fileno(), stdout.fileno(), stderr.fileno()]
        code = warm().run(_words(arguments), folder, environment(settings), streams, _SECONDS)
        stdout.seek(0)
        stderr.seek(0)
        return Outcome(code, stdout.read(), stderr.read())


def run_on_terminal(
    arguments: Sequence[str | Path], folder: Path, settings: Mapping[str, str], *, answer: str = ""
) -> Outcome:
    """Run `sqlitevault` with a terminal as stdin and stderr; give `answer` when it asks a question."""
    ours, theirs = pty.openpty()
    facts = environment({"TERM": "xterm", "COLUMNS": str(_SCREEN), **settings})
    with tempfile.TemporaryFile("w+", encoding="utf-8") as stdout, ThreadPoolExecutor(1) as pool:
        watching = pool.submit(_watch, ours, answer)
        try:
            code = warm().run(_words(arguments), folder, facts, [theirs, stdout.fileno(), theirs], _SECONDS)
        finally:
            os.close(theirs)
        screen = watching.result()
        os.close(ours)
        stdout.seek(0)
        return Outcome(code, stdout.read(), screen)


def _words(arguments: Sequence[str | Path]) -> list[str]:
    return [str(word) for word in (PROGRAM, *arguments)]


def _watch(terminal: int, answer: str) -> str:
    screen = b""
    while block := _read(terminal):
        screen += block
        if answer and b"[y/N]" in screen:
            os.write(terminal, f"{answer}\n".encode())
            answer = ""
    return screen.decode(errors="replace")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""  # EIO: the other side is closed
