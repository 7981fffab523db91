"""The README's commands for one machine, typed as it shows them, print what it shows."""

import os
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from localaws.sample import make_sample_database
from sqlitevault.ground.settings import Settings
from sqlitevault.ground.stage import DeploymentSettings
from tests.console import ROOT, commands, shape


def test_the_readmes_commands_print_what_it_shows(tmp_path: Path) -> None:
    """Figures may differ, words may not."""
    database = make_sample_database(tmp_path / "data" / "devops_hub.db")
    for name in ("scripts", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    shown = commands(ROOT / "README.md", "On one machine")
    assert len(shown) == 4
    for one in shown:
        if one.meanwhile is not None:
            _accident(database)
        done = subprocess.run(
            ["bash", "-c", one.command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{one.command}: {done.stderr}"
        printed = {shape(line) for line in done.stdout.splitlines()}
        assert [line for line in one.output if shape(line) not in printed] == [], done.stdout


def _accident(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM events WHERE rowid % 2")
        connection.commit()


def test_every_setting_of_the_readme_exists_and_has_its_default() -> None:
    """The tables name real settings; the settings of the command line are all named."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    deployment = text.split("| `-c` setting |", 1)[1].split("\n\n", 1)[0]
    named = [word for line in deployment.splitlines()[2:] for word in line.split("|")[1].split("`")[1::2]]
    assert set(named) <= set(DeploymentSettings.model_fields)
    variables = text.split("## Settings of the command line", 1)[1].split("\n\n")[1]
    set_by_deployment = {"LOCK_DAYS", "TIER_DAYS"}
    aliases = {field.alias for field in Settings.model_fields.values()} - set_by_deployment
    assert {alias for alias in aliases if f"`{alias}`" not in variables} == set()


def test_every_link_of_the_pages_leads_somewhere() -> None:
    """Relative links in README, CONTRIBUTING and docs/ name files that are there."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert broken == []
