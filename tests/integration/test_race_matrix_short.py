"""A sample of `make race-matrix`: no operation at any step of a snapshot leads to a bad copy."""

import pytest

from tests.race_matrix.__main__ import control_line, passed
from tests.race_matrix.cases import Case
from tests.race_matrix.judging import ACCEPTED, REFUSED
from tests.race_matrix.running import Outcome, run_matrix


def test_no_copy_is_bad() -> None:
    """Single operations at single steps of every method, from every initial state, never lead to a bad copy."""
    outcome = run_matrix(240, seed=11)
    assert outcome.cases == 240
    assert not outcome.bad, outcome.table()
    assert {kind for _, _, kind in outcome.counts} == {ACCEPTED, REFUSED}


def test_a_plain_copy_is_found_bad() -> None:
    """The same operations make copies of `cp` bad, which shows that the matrix detects bad copies."""
    assert run_matrix(80, seed=11, naive=True).bad


def _outcome(*verdicts: str) -> Outcome:
    outcome = Outcome()
    for verdict in verdicts:
        outcome.add(Case("wal-pinned", "no log", ()), verdict)
    return outcome


@pytest.mark.parametrize(
    ("verdicts", "caught", "good"),
    [
        pytest.param((ACCEPTED, REFUSED), True, True, id="all good, control caught"),
        pytest.param((ACCEPTED, "integrity_check: broken"), True, False, id="one bad"),
        pytest.param((REFUSED,), True, False, id="none accepted"),
        pytest.param((ACCEPTED,), False, False, id="control not caught"),
    ],
)
def test_the_verdict(verdicts: tuple[str, ...], *, caught: bool, good: bool) -> None:
    """The verdict is good if copies were made, none was bad, and the control was caught; the text states each."""
    outcome, control = _outcome(*verdicts), _outcome("unreadable" if caught else ACCEPTED)
    assert passed(outcome, control) == good
    assert ("BAD" in outcome.table()) == bool(outcome.bad)
    assert ("NOT CAUGHT" in control_line(control)) == (not caught)
