"""A stand-in for `docker` and `kubectl` in the runbooks' tests.

It records every call, and stops or starts the process that simulates the application. Tests can check the recorded
calls, but they do not show that Docker or Kubernetes would accept them.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

_SECONDS = 20.0
_STOPS = {("compose", "stop"), ("scale", "--replicas=0")}
_STARTS = {("compose", "start"), ("compose", "up"), ("scale", "--replicas=1")}


def _matches(arguments: list[str], wanted: set[tuple[str, str]]) -> bool:
    return any(verb in arguments and detail in arguments for verb, detail in wanted)


def stop(folder: Path) -> None:
    """End the application, if it runs, and wait for its end."""
    pid_file = folder / "application.pid"
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and _runs(pid):
        time.sleep(0.02)
    pid_file.unlink()


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def start(folder: Path) -> None:
    """Keep a copy of the database, then start the application and wait until it answers."""
    stop(folder)
    database = Path((folder / "database").read_text())
    port = (folder / "port").read_text()
    for path in folder.glob("found.db*"):
        path.unlink()
    for path in (database, *(database.with_name(database.name + end) for end in ("-wal", "-journal"))):
        if path.exists():
            shutil.copy(path, folder / path.name.replace(database.name, "found.db"))
    program = Path(__file__).with_name("application.py")
    with (folder / "application.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(program), str(database), port],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (folder / "application.pid").write_text(str(process.pid))
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
                return
        except urllib.error.HTTPError:
            return  # it answers, which is enough, whether healthy or not
        except OSError:
            time.sleep(0.02)


def main() -> None:
    """Stop or start the application as `docker` or `kubectl` would."""
    folder = Path(os.environ["STAND_IN"])
    arguments = sys.argv[1:]
    with (folder / "calls.log").open("a") as calls:
        calls.write(" ".join(arguments) + "\n")
    if _matches(arguments[1:], _STOPS):
        stop(folder)
    elif _matches(arguments[1:], _STARTS):
        start(folder)


if __name__ == "__main__":
    main()
