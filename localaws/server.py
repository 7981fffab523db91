"""The server process: moto, the simulations, and the control API on one port of this machine."""

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

READY_FILE = "server.json"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT, SIGTERM or, with --while-stdin-is-open, the end of standard input."""
    options = _parser().parse_args(arguments)
    # moto reads its settings when it is imported: no account limits, no requests to real AWS.
    os.environ.setdefault("MOTO_S3_DEFAULT_KEY_BUFFER_SIZE", str(1 << 20))
    from localaws.serving import Serving  # noqa: PLC0415  (moto takes seconds to import; --help should not)

    given = dict(_region_and_folder(text) for text in options.file_system)
    state = options.state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    serving = Serving(options.port, state, given)
    if options.while_stdin_is_open:
        threading.Thread(target=_stop_at_end_of_input, daemon=True).start()
    _announce(state / READY_FILE, serving.endpoint)
    print(f"embedded AWS (a simulation on moto) at {serving.endpoint}", flush=True)  # noqa: T201
    try:
        serving.forever()
    finally:
        serving.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localaws", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, selects a free port")
    parser.add_argument("--state", type=Path, required=True, help="directory for code, file systems and logs")
    parser.add_argument(
        "--file-system",
        action="append",
        default=[],
        metavar="REGION=DIR",
        help="use DIR as the file systems of REGION",
    )
    parser.add_argument("--while-stdin-is-open", action="store_true", help="stop when the parent process has ended")
    return parser


def _region_and_folder(text: str) -> tuple[str, Path]:
    region, separator, folder = text.partition("=")
    if not separator:
        raise SystemExit(f"--file-system {text}: expected REGION=DIR")
    return region, Path(folder).resolve()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _stop_at_end_of_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _announce(file: Path, endpoint: str) -> None:
    content: dict[str, Any] = {"endpoint": endpoint, "pid": os.getpid()}
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.rename(file)
