"""The process of the embedded AWS, which ends with the one that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_one_that_started_it(tmp_path: Path, sign: signal.Signals) -> None:
    """However the starting process ends, the server and the functions' processes end, too."""
    program = (
        "import signal, sys, time; from pathlib import Path; from localaws import EmbeddedAws\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it\n"
        "from tests.localaws_stack import template\n"
        f"with EmbeddedAws(Path({str(tmp_path)!r})) as aws:\n"
        "    aws.client('cloudformation', 'us-east-1').create_stack(StackName='s', TemplateBody=template())\n"
        "    aws.client('lambda', 'us-east-1').invoke(FunctionName='worker', Payload=b'{}')\n"
        "    print(aws.pid, flush=True); time.sleep(600)\n"
    )
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        group = int(starter.stdout.readline())
        assert alive(group)
        starter.send_signal(sign)
        starter.wait()
    until = time.monotonic() + 20
    while alive(group) and time.monotonic() < until:
        time.sleep(0.1)
    assert not alive(group)


def alive(group: int) -> bool:
    """Return whether a process group has any process left (the server's includes those of functions)."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
