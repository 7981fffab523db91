"""A short run of `make stress`: no bad snapshot under writers that get killed, and plain copies are found bad."""

import pytest

from tests.stress.__main__ import control_line, passed
from tests.stress.running import NAIVE, Tally, run_stress


@pytest.mark.slow
def test_no_snapshot_is_bad() -> None:
    """No snapshot is bad in any journal mode, by any method, with killed writers."""
    tally = run_stress(14, seed=7)
    assert not tally.bad, tally.table()
    assert {mode for mode, _ in tally.snapshots} == {"delete", "truncate", "persist", "wal"}
    assert {method for _, method in tally.snapshots} >= {"rollback-locked", "rollback-optimistic", "wal-pinned"}
    assert tally.killed


def test_a_plain_copy_is_found_bad() -> None:
    """Copies of a busy database by `cp` are found bad, which shows that the test works (within a few runs)."""
    runs = (run_stress(6, seed=seed, modes=("delete", "truncate"), naive=True) for seed in range(7, 17))
    tally = next((tally for tally in runs if tally.bad), Tally())
    assert {method for _, method in tally.snapshots} == {NAIVE}
    assert tally.bad


def _tally(snapshots: int, bad: int) -> Tally:
    tally = Tally()
    key = ("wal", "wal-pinned")
    if snapshots:
        tally.snapshots[key] = snapshots
    if bad:
        tally.bad[key] = bad
        tally.problems.append("wal wal-pinned: integrity_check: broken")
    return tally


@pytest.mark.parametrize(
    ("snapshots", "bad", "caught", "good"),
    [
        pytest.param(5, 0, 1, True, id="all good, control caught"),
        pytest.param(5, 1, 1, False, id="one bad"),
        pytest.param(0, 0, 1, False, id="none taken"),
        pytest.param(5, 0, 0, False, id="control not caught"),
    ],
)
def test_the_verdict(snapshots: int, bad: int, caught: int, *, good: bool) -> None:
    """The verdict is good if snapshots were taken, none was bad, and the control was caught; the text states each."""
    tally, control = _tally(snapshots, bad), _tally(5, caught)
    assert passed(tally, control) == good
    assert ("BAD" in tally.table()) == bool(bad)
    assert ("NOT CAUGHT" in control_line(control)) == (not caught)
