"""Documented commands: the `console` blocks of a page, each command with its shown output."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shown:
    """A command, its output on the page, and the event that a line `# …` before it describes."""

    command: str
    output: tuple[str, ...]
    meanwhile: str | None = None


def commands(page: Path, heading: str | None = None) -> list[Shown]:
    """Return the commands of a page, or of one section, in order."""
    text = page.read_text(encoding="utf-8")
    if heading is not None:
        text = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [shown for block in _BLOCK.findall(text) for shown in _read(block)]


def _read(block: str) -> list[Shown]:
    found: list[Shown] = []
    meanwhile = None
    for line in block.replace("\\\n", " ").splitlines():
        if line.startswith("# "):
            meanwhile = line.removeprefix("# ")
        elif line.startswith("$ "):
            found.append(Shown(line.removeprefix("$ "), (), meanwhile))
            meanwhile = None
        elif line.strip():
            last = found[-1]
            found[-1] = Shown(last.command, (*last.output, line), last.meanwhile)
    return found


def shape(line: str) -> str:
    """Return a line without the parts that differ between runs: figures and column widths."""
    return re.sub(r"\s+", " ", re.sub(r"[\d,.]*\d", "#", line)).strip()
