"""Execution of many cases of the race matrix: every operation at every step first, then combinations."""

import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tests.race_matrix.cases import Case, Moment, methods_and_starts, moments, several, single
from tests.race_matrix.judging import ACCEPTED, REFUSED, Matrix

_MEMORY_DISK = Path("/dev/shm")
_BAD = "bad"
_SHOWN = 10


@dataclass(slots=True)
class Outcome:
    """Outcomes of the cases, by method and start."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    bad: list[tuple[Case, str]] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """Cases run."""
        return self.counts.total()

    def add(self, case: Case, verdict: str) -> None:
        """Count one case."""
        kind = verdict if verdict in (ACCEPTED, REFUSED) else _BAD
        self.counts[case.method, case.start, kind] += 1
        if kind == _BAD:
            self.bad.append((case, verdict))

    def table(self) -> str:
        """Return one line for each method and start, the sum, and the first bad cases."""
        lines = [_line("method", "start", ACCEPTED, REFUSED, _BAD)]
        rows = sorted({(method, start) for method, start, _ in self.counts})
        for method, start in rows:
            lines.append(
                _line(method, start, *(self.counts[method, start, kind] for kind in (ACCEPTED, REFUSED, _BAD)))
            )
        sums = (sum(self.counts[*row, kind] for row in rows) for kind in (ACCEPTED, REFUSED, _BAD))
        lines.append(_line("all", f"{self.cases} cases", *sums))
        lines += [f"BAD {verdict}: {case}" for case, verdict in self.bad[:_SHOWN]]
        return "\n".join(lines) + "\n"


def _line(method: object, start: object, *numbers: object) -> str:
    return f"{method:20} {start:24}" + "".join(f"{number:>10}" for number in numbers)


def run_matrix(cases: int, seed: int, *, folder: Path | None = None, naive: bool = False) -> Outcome:
    """Run that many cases; the same seed gives the same cases."""
    outcome = Outcome()
    where = folder or (_MEMORY_DISK if _MEMORY_DISK.is_dir() else None)
    with tempfile.TemporaryDirectory(dir=where) as place, closing(Matrix(Path(place))) as matrix:
        reached = {pair: moments(matrix.steps(*pair)) for pair in methods_and_starts(naive=naive)}
        for case in islice(_cases(reached, cases, random.Random(seed)), cases):
            outcome.add(case, matrix.run(case))
    return outcome


def _cases(reached: dict[tuple[str, str], list[Moment]], wanted: int, randomness: random.Random) -> Iterator[Case]:
    singles = [case for (method, start), steps in reached.items() for case in single(method, start, steps)]
    yield from randomness.sample(singles, min(wanted, len(singles)))
    pairs = list(reached)
    while True:
        method, start = randomness.choice(pairs)
        yield several(method, start, reached[method, start], randomness)
