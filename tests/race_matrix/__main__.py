"""`python -m tests.race_matrix --cases 5000 --seed 1`: prints a table, ends with 1 if a copy was bad."""

import argparse
import sys
from pathlib import Path

from tests.race_matrix.running import run_matrix


def main() -> int:
    """Run the matrix as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.race_matrix", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where the databases lie; a memory disk by default")
    parser.add_argument("--naive", action="store_true", help="run the control instead, which must be caught")
    arguments = parser.parse_args()
    outcome = run_matrix(arguments.cases, arguments.seed, folder=arguments.folder, naive=arguments.naive)
    sys.stdout.write(outcome.table())
    return 1 if outcome.bad else 0


if __name__ == "__main__":
    sys.exit(main())
