"""The installed program, once for each verb and exit code, compared with a fork of the warm process."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Outcome
from tests.cli.home import Home, copy_home
from tests.cli.mistakes import break_database, no_database
from tests.console import shape
from tests.databases import execute

_VERBS = {
    "backup": 0,
    "list": 0,
    "verify --all": 0,
    "restore --latest --yes": 0,
    "drill": 0,
    "diff latest": 0,
    "keys list": 0,
    "keys revoke --all": 0,
    "doctor --json": 0,
    "audit": 0,
    "readiness": 14,
    "metrics": 0,
    "report": 0,
    "--help": 0,
    "--version": 0,
}


def nothing(_home: Home) -> None:
    """Change nothing."""


_CODES: dict[int, tuple[str, Callable[[Home], object], dict[str, str]]] = {
    2: ("backup --db-only --config-only", nothing, {}),
    10: ("backup", no_database, {}),
    11: ("restore --latest", nothing, {}),
    12: ("backup", break_database, {}),
    13: ("list --from docker-compose.yml", nothing, {}),
    14: ("backup", nothing, {"DRILL_SQL": "SELECT count(*) > 0 FROM gone => 1"}),
    15: ("restore --latest --yes --target data", nothing, {}),
}


def said(home: Home, text: str) -> list[str]:
    """Return the lines without figures, the folder's path, and the doctor's measurements."""
    lines = (line.replace(str(home.root), "") for line in text.splitlines())
    return [shape(line) for line in lines if not re.match(r' +"(level|detail|hint)": ', line)]


def compared(home: Home, words: str, other: Path, **settings: str) -> Outcome:
    """Run the program, check that a fork does the same in a copy of the folder, and return the program's outcome."""
    copy = copy_home(home, other)
    program, fork = home.run_program(*words.split(), **settings), copy.run(*words.split(), **settings)
    assert program.code == fork.code
    assert said(home, program.stdout) == said(copy, fork.stdout)
    assert said(home, program.stderr) == said(copy, fork.stderr)
    return program


@pytest.mark.parametrize("verb", _VERBS)
def test_every_verb_runs(home: Home, tmp_path: Path, verb: str) -> None:
    """The program starts, imports its modules, and prints the same as its fork."""
    execute(
        home.database,
        "CREATE TABLE events (timestamp TEXT, type TEXT, source TEXT, data TEXT)",
        "INSERT INTO events VALUES ('2026-01-01T10:00:00', 'auth.login', 'web', '{}')",
    )
    done = compared(home, verb, tmp_path / "copy")
    assert done.code == _VERBS[verb], done
    assert done.stdout


@pytest.mark.parametrize("code", _CODES)
def test_every_exit_code_reaches_the_shell(home: Home, tmp_path: Path, code: int) -> None:
    """An error ends the process with its exit code, and with message and hint on stderr."""
    words, prepare, settings = _CODES[code]
    prepare(home)
    compared(home, words, tmp_path / "copy", **settings).require(code)
