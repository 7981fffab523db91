"""`python -m tests.stress --seconds 600 --seed 1`: prints a table, ends with 1 if a snapshot was bad."""

import argparse
import sys
from pathlib import Path

from tests.stress.running import MODES, run_stress


def main() -> int:
    """Run as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--folder", type=Path, default=None, help="where the databases lie; the system's by default")
    parser.add_argument("--naive", action="store_true", help="copy as cp would instead, which must be caught")
    arguments = parser.parse_args()
    tally = run_stress(
        arguments.seconds,
        arguments.seed,
        modes=tuple(arguments.modes),
        naive=arguments.naive,
        folder=arguments.folder,
    )
    sys.stdout.write(tally.table())
    return 1 if tally.bad else 0


if __name__ == "__main__":
    sys.exit(main())
