"""Behaviour of every verb: plain text in pipes, JSON, progress on a terminal, exit codes in the help."""

import pytest
from click.testing import CliRunner

from sqlitevault.cli import main
from sqlitevault.ground.settings import Settings
from tests.cli.home import Home

_CODES = {
    "backup": (0, 1, 2, 10, 11, 12, 13, 14, 15),
    "list": (0, 1, 2, 13),
    "verify": (0, 1, 2, 10, 12, 13, 15),
    "restore": (0, 1, 2, 10, 11, 12, 13, 14, 15),
    "drill": (0, 1, 2, 10, 13, 14, 15),
    "diff": (0, 1, 2, 10, 11, 12, 13, 15),
    "keys list": (0, 1, 2, 10, 11, 12, 13, 15),
    "keys revoke": (0, 1, 2, 10, 11, 12, 13, 14, 15),
    "doctor": (0, 1, 2, 10, 12),
    "audit": (0, 1, 2, 10, 11, 12, 13, 15),
    "readiness": (0, 1, 2, 13, 14),
    "metrics": (0, 1, 2, 10, 12, 13, 15),
    "report": (0, 1, 2, 13, 15),
    "init": (0, 1, 2, 11, 13, 15),
}
_VERBS = {
    "backup": ("backup",),
    "list": ("list",),
    "verify": ("verify", "--all"),
    "restore": ("restore", "--latest", "--yes"),
    "drill": ("drill",),
    "diff": ("diff", "latest"),
}
_WITH_PROGRESS = [verb for verb in _VERBS if verb != "list"]
_ESCAPE, _BAR = "\x1b", "━"


@pytest.mark.parametrize("verb", _VERBS)
def test_in_a_pipe_everything_is_plain_text(home: Home, verb: str) -> None:
    """Without a terminal there are no colours, bars or wrapped lines; results go to stdout, steps to stderr."""
    done = home.run(*_VERBS[verb]).require(0)
    assert _ESCAPE not in done.stdout + done.stderr
    assert _BAR not in done.stderr
    assert done.stdout
    assert ("download: " in done.stderr) == (verb != "list")
    if verb == "list":
        assert len(done.stdout.splitlines()) == 1 + len(home.ids)


@pytest.mark.parametrize("verb", _VERBS)
def test_json_is_all_of_stdout(home: Home, verb: str) -> None:
    """With `--json`, stdout is one JSON document, and stderr is empty."""
    done = home.run(*_VERBS[verb], "--json").require(0)
    assert home.ids[-1] in str(done.document)
    assert done.stderr == ""


@pytest.mark.parametrize("verb", _WITH_PROGRESS)
def test_on_a_terminal_progress_is_shown_on_stderr(home: Home, verb: str) -> None:
    """Progress bars appear on the terminal; output to a pipe stays plain."""
    done = home.run_on_terminal(*_VERBS[verb]).require(0)
    assert _BAR in done.stderr
    assert _ESCAPE in done.stderr
    assert _ESCAPE not in done.stdout
    assert home.ids[-1] in done.stdout


@pytest.mark.parametrize("verb", _CODES)
def test_the_help_names_the_exit_codes(new_home: Home, verb: str) -> None:
    """`--help` names the exit codes of the verb and their meanings."""
    help_text = " ".join(new_home.run(*verb.split(), "--help").require(0).stdout.split())
    listed = help_text.partition("Exit codes: ")[2].split(" · ")
    assert tuple(int(code.split()[0]) for code in listed) == _CODES[verb]
    assert all(len(code.split()) > 1 for code in listed)


def test_the_help_lists_verbs_and_settings() -> None:
    """`sqlitevault --help` shows the whole first sentence of each verb, and each setting with its default."""
    shown = CliRunner().invoke(main, ["--help"], terminal_width=80).output
    verbs = dict(line.split(maxsplit=1) for line in shown.partition("Commands:\n")[2].partition("\n\n")[0].splitlines())
    assert {verb.split()[0] for verb in _CODES} <= verbs.keys()
    assert [verb for verb, sentence in verbs.items() if not sentence.endswith(".") or sentence.endswith("...")] == []
    assert "\n  BACKUP_DIR                The vault: a directory or s3://bucket/prefix/.\n" in shown
    assert all(f"\n  {field.alias} " in shown for field in Settings.model_fields.values())
    assert "(default data/devops_hub.db)" in shown
