"""Pinned dependencies: pyproject.toml names them, the requirements files pin them with hashes."""

import re
import tomllib
from typing import Any

import pytest

from tests.console import ROOT

FILES = ("requirements.txt", "requirements-build.txt", "requirements-dev.txt", "lambdas/requirements.txt")
_ENTRY = re.compile(r"^([a-z0-9-]+)==(\S+).*?\\\n((?: +--hash=sha256:\S+(?: \\)?\n)+)((?: +#.*\n?)+)", re.MULTILINE)
_COMMAND_LINE = {"click", "rich"}


def pins(name: str) -> dict[str, str]:
    """Return the pinned versions of a requirements file."""
    return {entry[1]: entry[2] for entry in _ENTRY.finditer((ROOT / name).read_text())}


def project() -> dict[str, Any]:
    """Return pyproject's project table."""
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"])


def named(requirements: list[str]) -> set[str]:
    """Return the packages that requirements name, normalised."""
    return {re.split(r"[^A-Za-z0-9-]", one)[0].lower() for one in requirements} - {"sqlitevault"}


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_a_pin_with_hashes(name: str) -> None:
    """Every line is a pin with hashes; no file names an index, which is a setting of the installing machine."""
    text = (ROOT / name).read_text()
    assert len(_ENTRY.findall(text)) == len(re.findall(r"^[^\s#]", text, re.MULTILINE)) > 1
    assert "index-url" not in text
    assert "://" not in text


def test_the_dependencies_of_pyproject_are_pinned() -> None:
    """The dependencies are pinned in requirements.txt, those of functions in lambdas/, all for development."""
    said = project()
    extras = {name: named(packages) for name, packages in said["optional-dependencies"].items()}
    command_line = named(said["dependencies"])
    assert command_line <= pins("requirements.txt").keys()
    assert (command_line | extras["functions"]) - _COMMAND_LINE <= pins("lambdas/requirements.txt").keys()
    assert command_line.union(*extras.values()) <= pins("requirements-dev.txt").keys()


def test_all_files_pin_the_same_versions() -> None:
    """All requirements files pin the same versions, so the tested versions are installed and deployed."""
    tested = pins("requirements-dev.txt")
    for name in FILES:
        assert pins(name).items() <= tested.items(), name


def test_the_functions_carry_nothing_of_the_command_line() -> None:
    """The functions' zip has no package that only click or rich needs: see NOT_IN_FUNCTIONS in Makefile."""
    text = (ROOT / "lambdas" / "requirements.txt").read_text()
    carried = pins("lambdas/requirements.txt").keys()
    for entry in _ENTRY.finditer(text):
        wanted_by = set(re.findall(r"# +(?:via )?([a-z][a-z0-9-]*)", entry[4])) - {"via"}
        assert wanted_by & (carried | {"sqlitevault"}), entry[1]
