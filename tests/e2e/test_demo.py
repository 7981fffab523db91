"""`make demo` as a person runs it: it tells the truth, leaves nothing behind, and can be interrupted."""

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
    """Return the environment of a demo whose files all lie in `folder`, which also marks its processes."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "lambdas")))
    return {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": paths, **more}


def left_running(folder: Path) -> list[str]:
    """Return the commands of the processes that know this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            if str(folder).encode() in known:
                found.append((process / "cmdline").read_bytes().decode().replace("\0", " "))
        except OSError:
            continue
    return found


def test_the_demo_tells_its_story_and_leaves_nothing(tmp_path: Path) -> None:
    """Every claim holds, the exit code says so, and neither a process nor a file stays."""
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
    """See that the README's first screen shows steps and claims in the words that the demo really prints."""
    (shown, test, *_) = commands(ROOT / "README.md")
    assert (shown.command, test.command) == ("make demo", "make test")
    marked = [line.removeprefix("✓").strip() for line in shown.output if line.startswith("✓")]
    assert len(marked) > 10
    assert [name for line in marked if shape(name := line.split("  ")[0]) not in shape(printed)] == []


def test_the_demo_takes_a_database_of_ones_own_and_can_be_kept(tmp_path: Path) -> None:
    """The database itself is not touched; with KEEP=1 the printed commands reach what was deployed."""
    database = make_bank(tmp_path / "own" / "bank.db", journal_mode="wal")
    before = database.read_bytes()
    told = environment(tmp_path, DATABASE_PATH=str(database), KEEP="1")
    done = subprocess.run(DEMO, cwd=ROOT, env=told, capture_output=True, text=True, timeout=280, check=False)
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
    """Run the command that the demo printed and that contains `part`, with the exports that it printed before."""
    lines = output.replace("\\\n", " ").splitlines()
    exports = [line.strip() for line in lines if line.strip().startswith("export ")]
    (command,) = [line.strip() for line in lines if part in line]
    script = "\n".join([*exports, command])
    done = subprocess.run(["bash", "-ec", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("moment", ["embedded AWS", "cdk bootstrap", "cdk deploy"])
def test_an_interrupted_demo_stops_everything(tmp_path: Path, moment: str) -> None:
    """Ctrl-C reaches the whole process group, as in a terminal; nothing stays, and the exit code is 130."""
    with subprocess.Popen(
        DEMO, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        assert demo.stdout is not None
        while moment not in (line := demo.stdout.readline()):
            assert line, "the demo ended too early"
        time.sleep(1)  # in the middle of the step that follows
        os.killpg(demo.pid, signal.SIGINT)
        said = demo.stdout.read()
        assert demo.wait(60) == INTERRUPTED, said
    assert "interrupted" in said
    wait_until_gone(tmp_path)
    assert list(tmp_path.iterdir()) == []


def wait_until_gone(folder: Path) -> None:
    """Give ended processes a moment to vanish."""
    until = time.monotonic() + 15
    while left_running(folder) and time.monotonic() < until:
        time.sleep(0.1)
    assert left_running(folder) == []
