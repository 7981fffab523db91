"""Installation of sqlitevault from a fresh clone into an empty environment."""

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sqlitevault import __version__
from tests.console import ROOT, commands
from tests.databases import make_bank, require_bank
from tests.install.commands import UV, run

pytestmark = pytest.mark.xdist_group("install")
PINS = ("--constraints", "requirements.txt", "--build-constraints", "requirements-build.txt")
NOT_INSTALLED = {"aws-cdk-lib", "aws-lambda-powertools", "constructs", "moto", "pytest", "setuptools", "uv"}
SHELLS = {"bash": "complete -o nosort", "zsh": "#compdef sqlitevault", "fish": "complete --no-files"}


@pytest.fixture(scope="session")
def program(clone: Path) -> Path:
    """The `sqlitevault` program of an otherwise empty environment, installed from a wheel of the clone.

    Installed as by `pip install .`, but with uv, which is faster, and with the pinned versions.
    """
    place = clone.parent / "environment"
    run(UV, "venv", "--quiet", "--python", sys.executable, place, folder=clone)
    python = place / "bin" / "python"
    run(UV, "pip", "install", "--quiet", "--python", python, *PINS, ".", folder=clone)
    run(UV, "pip", "check", "--python", python, folder=clone)
    return place / "bin" / "sqlitevault"


def test_a_wheel_from_a_fresh_clone_backs_up_and_restores(program: Path, tmp_path: Path) -> None:
    """The installed program takes a proven backup, restores lost rows, and writes the page."""
    database = make_bank(tmp_path / "data" / "devops_hub.db")
    assert "restored and compared" in run(program, "backup", folder=tmp_path)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM ledger WHERE id > 10")
        connection.commit()
    run(program, "restore", "--latest", "--yes", folder=tmp_path)
    assert require_bank(database) == 500
    run(program, "report", folder=tmp_path)
    assert "devops_hub_backup_" in (tmp_path / "report.html").read_text()


def test_it_writes_its_settings_file(program: Path, tmp_path: Path) -> None:
    """The installed program writes its settings file and reads it, without the CDK."""
    run(program, "init", "--set", "alarm_email=ops@example.com", folder=tmp_path)
    assert 'alarm_email = "ops@example.com"' in (tmp_path / "sqlitevault.toml").read_text()
    run(program, "list", folder=tmp_path)


def test_the_environment_has_only_the_command_lines_dependencies(program: Path, clone: Path) -> None:
    """The environment lacks CDK, Powertools and build tools, and has only this project's package, not the handlers."""
    listed = run(UV, "pip", "list", "--python", program.with_name("python"), "--format=freeze", folder=clone)
    installed = {line.partition("==")[0] for line in listed.splitlines()}
    assert "click" in installed
    assert not installed & NOT_INSTALLED
    (packages,) = program.parents[1].glob("lib/python*/site-packages")
    assert not {"backup", "restore", "infra", "localaws"} & {path.name for path in packages.iterdir()}


def test_the_versions_agree(program: Path, tmp_path: Path) -> None:
    """The program, the wheel's metadata and the source have the same version."""
    assert run(program, "--version", folder=tmp_path).split()[-1] == __version__
    metadata = "from importlib.metadata import version; print(version('sqlitevault'))"
    assert run(program.with_name("python"), "-c", metadata, folder=tmp_path).strip() == __version__


def test_the_readme_shows_how(program: Path, tmp_path: Path) -> None:
    """The commands of the README's section on installing work with the environment's program first on the path."""
    install, *others = commands(ROOT / "README.md", "Installation")
    assert install.command == "pip install ."
    path = f"{program.parent}:{os.environ['PATH']}"
    for one in others:
        assert run("bash", "-c", one.command, folder=tmp_path, PATH=path).splitlines() == list(one.output)


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_complete_the_command(program: Path, tmp_path: Path, shell: str) -> None:
    """The completion script is printed, and completes verbs and options."""
    path = f"{program.parent}:{os.environ['PATH']}"
    if shutil.which(shell):  # click asks bash for its version
        script = run("sqlitevault", folder=tmp_path, PATH=path, _SQLITEVAULT_COMPLETE=f"{shell}_source")
        assert SHELLS[shell] in script
    for typed, found in (("res", "restore"), ("backup --db", "--db-only")):
        words = {"COMP_WORDS": f"sqlitevault {typed}", "COMP_CWORD": str(len(typed.split()))}
        if shell == "fish":
            words["COMP_CWORD"] = typed.split()[-1]
        completed = run(program, folder=tmp_path, _SQLITEVAULT_COMPLETE=f"{shell}_complete", **words)
        assert found in completed


def test_uvx_runs_it_from_a_clone(clone: Path) -> None:
    """`uvx --from . sqlitevault` installs the wheel's dependencies, here in the pinned versions, and runs."""
    command = (UV, "tool", "run", "--quiet", "--python", sys.executable, *PINS, "--from", ".", "sqlitevault")
    assert "Back up a live SQLite database" in run(*command, "--help", folder=clone)
