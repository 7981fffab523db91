"""Long tests and benchmarks of the Makefile: their commands, with bound and seed."""

import subprocess

import pytest

from tests.cli.command import REPOSITORY

_READY = ("--old-file=.venv/ready", "--old-file=node_modules/.package-lock.json")


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        pytest.param(("stress",), "-m tests.stress --seconds 600 --seed 1", id="stress"),
        pytest.param(("stress", "SECONDS=5", "SEED=3"), "-m tests.stress --seconds 5 --seed 3", id="short stress"),
        pytest.param(("race-matrix",), "-m tests.race_matrix --cases 5000 --seed 1", id="race matrix"),
        pytest.param(("race-matrix", "CASES=9"), "-m tests.race_matrix --cases 9 --seed 1", id="short race matrix"),
        pytest.param(("fuzz", "CASES=9", "SEED=2"), "-m tests.fuzz.archives --cases 9 --seed 2", id="fuzz"),
        pytest.param(("fuzz",), "-m tests.fuzz.archives --cases 100000 --seed 1", id="long fuzz"),
        pytest.param(("bench",), "-m benchmarks.snapshot --megabytes 1000 --seed 1", id="bench"),
    ],
)
def test_bound_and_seed_reach_the_program(arguments: tuple[str, ...], runs: str) -> None:
    """Bound and seed, given or by default, appear in the command that `make -n` shows."""
    command = ["make", "-n", "-C", str(REPOSITORY), *_READY, *arguments]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert any(line.endswith(runs) for line in shown.splitlines())


def test_help_lists_them() -> None:
    """`make help` lists the targets, and shows how to set bound and seed."""
    shown = subprocess.run(["make", "-C", str(REPOSITORY), "help"], capture_output=True, text=True, check=True).stdout
    for line in (
        "make stress SECONDS=600 SEED=1",
        "make race-matrix CASES=5000",
        "make fuzz CASES=100000",
        "make bench",
    ):
        assert line in shown
