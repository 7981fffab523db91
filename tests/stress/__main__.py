"""`python -m tests.stress --seconds 600 --seed 1`: snapshots of databases under constant writes.

A control of another 5 % of that time follows: plain copies, which the same harness must find bad. Prints a table; the
exit status is 1 if a snapshot was bad, none was taken, or the control was not caught.
"""

import argparse
import sys
from pathlib import Path

from tests.stress.running import MODES, Tally, run_stress

_CONTROL_SHARE = 0.05
_LEAST_CONTROL_SECONDS = 8.0


def main() -> int:
    """Run with the arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument(
        "--folder", type=Path, default=None, help="folder of the databases; default: the system's temporary folder"
    )
    arguments = parser.parse_args()
    modes = tuple(arguments.modes)
    tally = run_stress(arguments.seconds, arguments.seed, modes=modes, folder=arguments.folder)
    sys.stdout.write(tally.table())
    sys.stdout.flush()
    seconds = max(_LEAST_CONTROL_SECONDS, _CONTROL_SHARE * arguments.seconds)
    control = run_stress(seconds, arguments.seed, modes=modes, folder=arguments.folder, naive=True)
    sys.stdout.write(control_line(control))
    return 0 if passed(tally, control) else 1


def control_line(control: Tally) -> str:
    """Return a line with the outcome of the plain copies."""
    verdict = "caught, as it must be" if control.bad else "NOT CAUGHT: the harness is blind"
    copies, bad = control.snapshots.total(), control.bad.total()
    return f"control (plain copies as cp makes them): {copies} copies, {bad} bad: {verdict}\n"


def passed(tally: Tally, control: Tally) -> bool:
    """Return whether every snapshot was good and the run is conclusive."""
    return bool(tally.snapshots) and not tally.bad and bool(control.bad)


if __name__ == "__main__":
    sys.exit(main())
