"""Commands of a runbook, extracted and run in order."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
COMPOSE, KUBERNETES = "compose", "kubernetes"
_FENCE = re.compile(r"^```bash *([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXPORTED = re.compile(r"\b([A-Z][A-Z_]*)=")
_SECONDS = 150


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of commands. `kind` is the word after `bash`: `compose`, `kubernetes`, `yours`, or none.

    `yours` exports values that only the reader knows, such as the time of the incident; a test sets its own.
    """

    kind: str
    text: str


def blocks(page: str) -> list[Block]:
    """Return the command blocks of a page."""
    return [Block(*found) for found in _FENCE.findall((RUNBOOKS / f"{page}.md").read_text(encoding="utf-8"))]


def script(page: str, variant: str, yours: Mapping[str, str]) -> str:
    """Return a page's commands for Docker Compose or for Kubernetes as one script, with the reader's values."""
    parts = []
    for block in blocks(page):
        if block.kind == "yours":
            parts.append(_filled_in(block, yours))
        elif block.kind in ("", variant):
            parts.append(block.text)
    return "\n".join(parts)


def _filled_in(block: Block, yours: Mapping[str, str]) -> str:
    names = _EXPORTED.findall(block.text)
    assert block.text.startswith("export ")
    return "\n".join(f"export {name}='{yours[name]}'" for name in names) + "\n"


@dataclass(frozen=True, slots=True)
class Followed:
    """The output of a followed page, and the recorded calls of `docker` and `kubectl`."""

    output: str
    calls: list[str]


def follow(
    pages: Sequence[str],
    variant: str,
    folder: Path,
    environment: Mapping[str, str],
    yours: Mapping[str, str] | None = None,
) -> Followed:
    """Run the pages' commands in one bash in `folder`; a failing command fails the test."""
    stand_in = Path(environment["STAND_IN"])
    commands = "\n".join(["set -euo pipefail", "set -x", *(script(page, variant, yours or {}) for page in pages)])
    done = subprocess.run(
        ["bash", "-c", commands],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    calls = stand_in / "calls.log"
    return Followed(done.stdout, calls.read_text().splitlines() if calls.exists() else [])
