"""Tests of the decorators that all verbs share: bundled options, output, and exit codes of errors."""

import json
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from sqlitevault.catalog.manifest import Scope
from sqlitevault.cli import options
from sqlitevault.cli.output import Output
from sqlitevault.ground.errors import ConfigError


@dataclass(frozen=True)
class Wish:
    """A bundle that contains another bundle."""

    size: int
    scope: Scope


@options.command(12)
@options.bundle("wish", Wish, click.option("--size", type=int, default=1), options.scope)
@click.option("--quiet", is_flag=True)
def verb(out: Output, *, wish: Wish) -> None:
    """Print a wish."""
    out.give(
        {"size": wish.size, "scope": wish.scope}, [f"size {wish.size}", wish.scope], empty="" if wish.size else "no"
    )
    if wish.size > 1:
        raise ConfigError("too large", hint="Give --size 1.")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(verb, arguments)


def test_bundled_options_are_one_argument() -> None:
    """A bundle may contain another, and its values are printed as lines or as one JSON document."""
    assert _run("--size", "1", "--db-only").stdout == "size 1\ndatabase\n"
    assert json.loads(_run("--json").stdout) == {"size": 1, "scope": "all"}


def test_an_error_sets_the_exit_code() -> None:
    """An error after the result leaves it the only JSON document and prints message and hint to stderr."""
    done = _run("--size", "2", "--json")
    assert (done.exit_code, json.loads(done.stdout)["size"]) == (2, 2)
    assert done.stderr == "ConfigError: too large\nWhat to do: Give --size 1.\n"


def test_contradicting_options_are_an_error() -> None:
    """Options that contradict each other are reported like any other error."""
    done = _run("--db-only", "--config-only", "--json")
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (2, "ConfigError")


def test_quiet_prints_only_errors() -> None:
    """With --quiet, neither results nor progress are printed, but errors are."""
    assert (_run("--quiet").output, _run("--quiet", "--size", "2").stdout) == ("", "")
    assert _run("--quiet", "--size", "2").stderr.startswith("ConfigError: ")


def test_an_empty_result_is_a_message_on_stderr() -> None:
    """An empty result prints a message to stderr and nothing to stdout."""
    assert (_run("--size", "0").stdout, _run("--size", "0").stderr) == ("", "no\n")


def test_the_help_lists_options_and_codes_in_order() -> None:
    """The help lists bundles in the order of their declaration, and `--json` last."""
    shown = _run("--help").stdout
    places = [
        shown.index(text) for text in ("--size", "--db-only", "--config-only", "--quiet", "--json", "12 integrity")
    ]
    assert places == sorted(places)


def test_a_restore_ignores_wrong_settings_of_backups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A restore ignores a wrong setting that only backups use; a backup refuses it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKUP_RETAIN", "never")
    assert options.site_to_restore(vault="v").settings.retain_days == 30
    with pytest.raises(ConfigError, match="BACKUP_RETAIN"):
        options.site(vault="v")
