"""The runbooks' pages: one for each alarm, with valid commands and links."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from sqlitevault.cli import main
from sqlitevault.watch.evidence import RUNBOOKS as RECORDABLE
from tests.runbooks.pages import COMPOSE, KUBERNETES, RUNBOOKS, blocks

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(path.stem for path in RUNBOOKS.glob("*.md"))
DISASTERS = ("corruption", "accidental-deletion", "server-lost", "cluster-lost", "breach", "region-lost", "ransomware")
_PAGE_LINES = 90


def test_every_alarm_has_its_runbook() -> None:
    """The page that an alarm names exists."""
    snapshots = (REPOSITORY / "tests" / "infra" / "__snapshots__").rglob("*.json")
    named = {
        name for path in snapshots for name in re.findall(r"Runbook: docs/runbooks/([\w-]+)\.md", path.read_text())
    }
    assert len(named) > 5
    assert named | set(DISASTERS) <= set(PAGES)


def test_each_runbook_can_be_recorded_as_tested() -> None:
    """`readiness --runbook-tested` accepts exactly the existing runbooks."""
    assert sorted({*PAGES} - {"README"}) == list(RECORDABLE)


@pytest.mark.parametrize("page", PAGES)
def test_the_links_are_valid(page: str) -> None:
    """Every link in a runbook leads to an existing file."""
    for link in re.findall(r"\]\(([^)#]+)\)", (RUNBOOKS / f"{page}.md").read_text(encoding="utf-8")):
        assert (RUNBOOKS / link).exists(), link


@pytest.mark.parametrize("page", DISASTERS)
def test_a_disasters_page_covers_both_platforms(page: str) -> None:
    """A disaster's page has its sections, with commands for Docker Compose and for Kubernetes."""
    text = (RUNBOOKS / f"{page}.md").read_text(encoding="utf-8")
    for part in ("**When:**", "## Do", "## You should see", "## Afterwards"):
        assert part in text
    assert {COMPOSE, KUBERNETES} <= {block.kind for block in blocks(page)}
    assert len(text.splitlines()) <= _PAGE_LINES


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_are_valid(page: str) -> None:
    """Bash parses the commands, and their options and sample events exist."""
    text = (RUNBOOKS / f"{page}.md").read_text(encoding="utf-8")
    for block in blocks(page):
        subprocess.run(["bash", "-n", "-c", block.text], check=True)
    for event in re.findall(r"fileb://(events/[\w-]+\.json)", text):
        assert (REPOSITORY / event).exists(), event
    for block in blocks(page):
        for line in re.findall(r"^(?:\w+=\S+ )?sqlitevault (.+)$", block.text, re.MULTILINE):
            _require_options(shlex.split(line, comments=True))


def test_a_failed_drill_is_repeated_on_the_same_backup(tmp_path: Path) -> None:
    """The page on failed drills names the failed backup, because `latest` would skip it and prove another one."""
    failed = "other_backup_20270203_040506"
    (command,) = (line for block in blocks("drill-failed") for line in block.text.splitlines() if "sed " in line)
    (tmp_path / "events").symlink_to(REPOSITORY / "events")
    subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env={"BACKUP": failed, "PATH": os.environ["PATH"]}, check=True
    )
    assert json.loads((tmp_path / "drill-failed.json").read_text()) == {"backup": failed}
    assert "fileb://drill-failed.json" in (RUNBOOKS / "drill-failed.md").read_text(encoding="utf-8")


def _require_options(words: list[str]) -> None:
    command: click.Command | None = main
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
    assert command is not None, words
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known, words
