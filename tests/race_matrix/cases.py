"""Cases of the race matrix: operations of the application, injected at steps of the protocols."""

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlitevault.snapshot.options import Method
from tests.race_matrix.application import COMMON, OF_WAL, STARTS, STORIES, STORIES_OF_WAL

NAIVE = "naive"
_NOT_IN_MATRIX = "chunk"
_STORIES = 0.5

Moment = tuple[str, int]  # a step, and its ordinal among the times it is reached
Injection = tuple[Moment, str]


@dataclass(frozen=True, slots=True)
class Case:
    """One run: a method on a start, with operations injected at moments, in order."""

    method: str
    start: str
    injections: tuple[Injection, ...]


def methods_and_starts(*, naive: bool = False) -> Iterator[tuple[str, str]]:
    """Yield every method with every start in its journal mode."""
    for start, (mode, _) in STARTS.items():
        methods = [Method.WAL_PINNED, Method.WAL_LOCK_FREE] if mode == "wal" else []
        methods += [Method.ROLLBACK_OPTIMISTIC, Method.ROLLBACK_LOCKED] if mode != "wal" else []
        for method in [NAIVE] if naive else methods:
            yield str(method), start


def operations(start: str) -> tuple[str, ...]:
    """Return the possible operations of the application for a start."""
    return COMMON + OF_WAL if STARTS[start][0] == "wal" else COMMON


def stories(start: str) -> tuple[tuple[str, ...], ...]:
    """Return sequences of operations of the application for a start."""
    return STORIES + STORIES_OF_WAL if STARTS[start][0] == "wal" else STORIES


def moments(steps: Iterable[str]) -> list[Moment]:
    """Number the steps of a run; of the steps reached for every chunk, keep the first, the middle and the last."""
    seen: Counter[str] = Counter()
    numbered = []
    for step in steps:
        seen[step] += 1
        numbered.append((step, seen[step]))
    return [(step, number) for step, number in numbered if _kept(step, number, seen[step])]


def _kept(step: str, number: int, last: int) -> bool:
    return not step.endswith(_NOT_IN_MATRIX) or number in (1, (last + 1) // 2, last)


def single(method: str, start: str, reached: list[Moment]) -> Iterator[Case]:
    """Yield every operation at every moment."""
    for moment, operation in itertools.product(reached, operations(start)):
        yield Case(method, start, ((moment, operation),))


def several(method: str, start: str, reached: list[Moment], randomness: random.Random) -> Case:
    """Make a random case with two to four operations, or with a story, at one moment or several."""
    if randomness.random() < _STORIES:
        chosen = randomness.choice(stories(start))
    else:
        chosen = tuple(randomness.choices(operations(start), k=randomness.choice((2, 2, 2, 3, 4))))
    count = len(chosen)
    at = sorted(randomness.choices(range(len(reached)), k=count))
    if randomness.random() < 1 / 3:
        at = [at[0]] * count
    return Case(method, start, tuple((reached[index], operation) for index, operation in zip(at, chosen, strict=True)))
