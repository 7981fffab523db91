"""A process that is killed (SIGKILL) during an upload."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.contents import Content

_PROGRAM = r"""
import os, sys, time
from pathlib import Path
from sqlitevault.vault.opening import open_vault

def stop_here(_):
    os.write(1, b"sending\n")
    time.sleep(600)

location, name, source, sha256 = sys.argv[1:]
open_vault(location).upload(name, Path(source), sha256=sha256, on_bytes=stop_here)
"""
_LAMBDAS = Path(__file__).resolve().parents[1] / "lambdas"


def kill_while_uploading(location: str, name: str, content: Content) -> None:
    """Upload in a separate process, and kill it when the first bytes have been sent."""
    command = [sys.executable, "-c", _PROGRAM, location, name, str(content.path), content.sha256]
    environment = {**os.environ, "PYTHONPATH": str(_LAMBDAS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "sending\n"
        finally:
            process.kill()
    assert process.returncode == -signal.SIGKILL
