"""The README's commands for one machine, its settings, and the links in all documents."""

import os
import re
import sqlite3
import subprocess
import tomllib
from contextlib import closing
from pathlib import Path

from infra.settings_docs import PAGE, shown, with_tables
from localaws.sample import make_sample_database
from sqlitevault.ground.settings import Settings
from sqlitevault.ground.settings_file import SettingsFile
from sqlitevault.ground.stage import DeploymentSettings
from tests.console import ROOT, commands, shape


def test_the_readmes_commands_print_the_shown_output(tmp_path: Path) -> None:
    """The README's commands, run exactly as shown, print the shown output except for figures."""
    database = make_sample_database(tmp_path / "data" / "devops_hub.db")
    for name in ("scripts", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    shown = commands(ROOT / "README.md", "Use on one machine")
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


def test_the_readmes_settings_exist_and_have_these_defaults() -> None:
    """The README's tables give real settings, variables and defaults, and all settings of the command line."""
    settings = _table("| in `[stage.NAME]` |")
    for names, default, _ in settings:
        fields = [DeploymentSettings.model_fields[name] for name in _quoted(names)]
        assert default == ", ".join(shown(field.default) for field in fields), names
    named = set()
    for names, variables, default, _ in _table("| in `[command-line]` |"):
        fields = [Settings.model_fields[name] for name in _quoted(names)]
        assert _quoted(variables) == [field.alias for field in fields]
        assert default == ", ".join(shown(field.default) for field in fields), names
        named |= set(_quoted(names))
    set_by_deployment = {"lock_days", "tier_days"}
    assert named == set(Settings.model_fields) - set_by_deployment


def _table(head: str) -> list[list[str]]:
    text = (ROOT / "README.md").read_text(encoding="utf-8").split(head, 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines()[2:]]


def _quoted(cell: str) -> list[str]:
    return cell.split("`")[1::2]


def test_the_readmes_settings_file_is_valid() -> None:
    """Every section of the README's settings file is accepted."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("```toml\n", 1)[1].split("```", 1)[0]
    sections = tomllib.loads(text)
    file = SettingsFile(Path("sqlitevault.toml"), sections["command-line"], sections["stage"])
    known, origins = file.environment({})
    assert Settings.from_env(known, origins=origins).database_path == Path("data/devops_hub.db")
    assert {name: file.deployment({"stage": name}, "-c").stage for name in file.stages} == {
        "prod": "prod",
        "test": "test",
    }


def test_the_page_of_all_settings_is_up_to_date() -> None:
    """The page of all settings is the one that `python -m infra.settings_docs` writes."""
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page) == page
    for model in (DeploymentSettings, Settings):
        assert all(field.description for field in model.model_fields.values())


def test_every_relative_link_is_valid() -> None:
    """Relative links in README, CONTRIBUTING and docs/ name existing files."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert broken == []
