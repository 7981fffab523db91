"""`python -m tests.race_matrix --cases 5000 --seed 1`: operations of the application at every step of every protocol.

A control of another 2 % of the cases follows: plain copies, some of which must be found bad. Prints a table; the exit
status is 1 if a copy was bad, none was accepted, or the control was not caught.
"""

import argparse
import sys
from pathlib import Path

from tests.race_matrix.judging import ACCEPTED
from tests.race_matrix.running import Outcome, run_matrix

_CONTROL_SHARE = 0.02
_LEAST_CONTROL_CASES = 60


def main() -> int:
    """Run the matrix with the arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.race_matrix", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="folder of the database; default: a memory disk")
    arguments = parser.parse_args()
    outcome = run_matrix(arguments.cases, arguments.seed, folder=arguments.folder)
    sys.stdout.write(outcome.table())
    sys.stdout.flush()
    cases = max(_LEAST_CONTROL_CASES, round(_CONTROL_SHARE * arguments.cases))
    control = run_matrix(cases, arguments.seed, folder=arguments.folder, naive=True)
    sys.stdout.write(control_line(control))
    return 0 if passed(outcome, control) else 1


def control_line(control: Outcome) -> str:
    """Return a line with the outcome of the plain copies."""
    verdict = "caught, as it must be" if control.bad else "NOT CAUGHT: the matrix is blind"
    return f"control (plain copies as cp makes them): {control.cases} cases, {len(control.bad)} bad: {verdict}\n"


def passed(outcome: Outcome, control: Outcome) -> bool:
    """Return whether no copy was bad and the run is conclusive."""
    accepted = sum(count for (_, _, kind), count in outcome.counts.items() if kind == ACCEPTED)
    return accepted > 0 and not outcome.bad and bool(control.bad)


if __name__ == "__main__":
    sys.exit(main())
