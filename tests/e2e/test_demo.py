"""`make demo`: its claims hold, it leaves nothing behind, and it can be interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.console import ROOT, commands, shape
from tests.databases import make_bank

DEMO = [sys.executable, "-m", "localaws.demo"]
INTERRUPTED = 130

pytestmark = pytest.mark.slow


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a demo that keeps all files in `folder`, which also identifies its processes."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "lambdas")))
    return {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": paths, **more}


def left_running(folder: Path) -> list[str]:
    """Return the command lines of the processes that refer to this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            if str(folder).encode() in known:
                found.append((process / "cmdline").read_bytes().decode().replace("\0", " "))
        except OSError:
            continue
    return found


def test_the_demo_succeeds_and_leaves_nothing(tmp_path: Path) -> None:
    """Every claim holds, the exit code is 0, and no process or file remains."""
    done = subprocess.run(
        DEMO, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All claims held" in done.stdout
    assert "✗" not in done.stdout
    assert left_running(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    assert_shown_by_the_readme(done.stdout)


def assert_shown_by_the_readme(printed: str) -> None:
    """Check that the README's first screen shows steps and claims in the words that the demo prints."""
    (shown, test, *_) = commands(ROOT / "README.md")
    assert (shown.command, test.command) == ("make demo", "make test")
    marked = [line.removeprefix("✓").strip() for line in shown.output if line.startswith("✓")]
    assert len(marked) > 10
    assert [name for line in marked if shape(name := line.split("  ")[0]) not in shape(printed)] == []


def test_the_demo_takes_your_own_database_and_can_be_kept(tmp_path: Path) -> None:
    """DATABASE_PATH's file does not change; with KEEP=1 the printed commands reach the deployment."""
    database = make_bank(tmp_path / "own" / "bank.db", journal_mode="wal")
    before = database.read_bytes()
    given = environment(tmp_path, DATABASE_PATH=str(database), KEEP="1")
    done = subprocess.run(DEMO, cwd=ROOT, env=given, capture_output=True, text=True, timeout=280, check=False)
    pid = re.search(r"To stop it: kill (\d+)", done.stdout)
    assert pid is not None, done.stdout + done.stderr
    try:
        assert done.returncode == 0, done.stdout
        assert database.read_bytes() == before
        listed = run_printed(done.stdout, "aws s3 ls")
        assert "bank_backup_" in listed
        assert "bank_backup_" in run_printed(done.stdout, "sqlitevault list")
        assert "the newest good backup" in run_printed(done.stdout, "aws lambda invoke")
    finally:
        os.kill(int(pid[1]), signal.SIGTERM)
    wait_until_gone(tmp_path)


def run_printed(output: str, part: str) -> str:
    """Run the printed command that contains `part`, with the exports that the demo printed."""
    lines = output.replace("\\\n", " ").splitlines()
    exports = [line.strip() for line in lines if line.strip().startswith("export ")]
    (command,) = [line.strip() for line in lines if part in line]
    script = "\n".join([*exports, command])
    done = subprocess.run(["bash", "-ec", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("moment", ["embedded AWS", "cdk bootstrap", "cdk deploy"])
def test_an_interrupted_demo_stops_everything(tmp_path: Path, moment: str) -> None:
    """Ctrl-C to the process group, as from a terminal, ends with code 130, and nothing remains."""
    with subprocess.Popen(
        DEMO, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        assert demo.stdout is not None
        while moment not in (line := demo.stdout.readline()):
            assert line, "the demo ended too early"
        time.sleep(1)  # into the next step
        os.killpg(demo.pid, signal.SIGINT)
        printed = demo.stdout.read()
        assert demo.wait(60) == INTERRUPTED, printed
    assert "interrupted" in printed
    wait_until_gone(tmp_path)
    assert list(tmp_path.iterdir()) == []


def wait_until_gone(folder: Path) -> None:
    """Wait until the demo's processes have disappeared."""
    until = time.monotonic() + 15
    while left_running(folder) and time.monotonic() < until:
        time.sleep(0.1)
    assert left_running(folder) == []
