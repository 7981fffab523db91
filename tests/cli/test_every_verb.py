"""What holds for every verb: plain text in pipes, JSON alone on stdout, progress on the terminal, codes in the help."""

import pytest

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
    """Without a terminal there is no colour, no bar, no broken line; results are on stdout, steps on stderr."""
    done = home.run(*_VERBS[verb]).require(0)
    assert _ESCAPE not in done.stdout + done.stderr
    assert _BAR not in done.stderr
    assert done.stdout
    assert ("download: " in done.stderr) == (verb != "list")
    if verb == "list":
        assert len(done.stdout.splitlines()) == 1 + len(home.ids)


@pytest.mark.parametrize("verb", _VERBS)
def test_json_is_all_that_stdout_says(home: Home, verb: str) -> None:
    """With `--json` stdout is one JSON document, and stderr is quiet."""
    done = home.run(*_VERBS[verb], "--json").require(0)
    assert home.ids[-1] in str(done.document)
    assert done.stderr == ""


@pytest.mark.parametrize("verb", _WITH_PROGRESS)
def test_on_a_terminal_progress_is_shown_on_stderr(home: Home, verb: str) -> None:
    """Bars are on the screen, and what goes into a pipe meanwhile stays plain."""
    done = home.run_on_terminal(*_VERBS[verb]).require(0)
    assert _BAR in done.stderr
    assert _ESCAPE in done.stderr
    assert _ESCAPE not in done.stdout
    assert home.ids[-1] in done.stdout


@pytest.mark.parametrize("verb", _CODES)
def test_the_help_names_the_exit_codes(new_home: Home, verb: str) -> None:
    """`--help` says which codes the verb ends with, and what each means."""
    told = " ".join(new_home.run(*verb.split(), "--help").require(0).stdout.split())
    listed = told.partition("Exit codes: ")[2].split(" · ")
    assert tuple(int(code.split()[0]) for code in listed) == _CODES[verb]
    assert all(len(code.split()) > 1 for code in listed)


def test_the_command_says_what_it_reads_from_the_environment(new_home: Home) -> None:
    """`sqlitevault --help` lists the verbs and the settings with their defaults, line by line."""
    told = new_home.run("--help").require(0).stdout
    assert all(f"\n  {verb} " in told for verb in _VERBS)
    assert "\n  Settings come from the environment: DATABASE_PATH (./data/devops_hub.db),\n" in told
    assert "\\b" not in told
