"""The state of a metric alarm, from its data points.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
CloudWatch looks further back than the evaluation periods when data is missing; how far is not documented. Here it is
two periods more, as in the examples of that page.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Missing = Literal["missing", "ignore", "breaching", "notBreaching"]
EXTRA_PERIODS = 2

_BREACHING: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """An alarm's condition: `datapoints` of the last `periods` data points are beyond the threshold."""

    comparison: str
    threshold: float
    periods: int
    datapoints: int
    missing: Missing = "missing"

    def breaching(self, value: float) -> bool:
        """Return whether a value is beyond the threshold."""
        return _BREACHING[self.comparison](value, self.threshold)


def decide(points: Sequence[float | None], condition: Condition, current: State) -> State:
    """Return the alarm's new state.

    Args:
        points: one per period, oldest first, the newest last, None where there is no data;
            `condition.periods + EXTRA_PERIODS` of them.
        condition: the alarm's.
        current: the present state, which it may keep.
    """
    present = [point for point in points if point is not None][-condition.periods :]
    breaching = sum(condition.breaching(point) for point in present)
    if len(present) == condition.periods or breaching >= condition.datapoints:
        return "ALARM" if breaching >= condition.datapoints else "OK"
    if condition.missing == "breaching":
        filled = condition.periods - len(present)
        return "ALARM" if breaching + filled >= condition.datapoints else "OK"
    if condition.missing == "notBreaching":
        return "OK"
    return _with_gaps(points, condition, current, breaching=breaching, good=len(present) - breaching)


def _with_gaps(
    points: Sequence[float | None], condition: Condition, current: State, *, breaching: int, good: int
) -> State:
    """Decide for `missing` and `ignore` when too few points exist and too few of these are beyond the threshold."""
    if good:
        return "OK"
    if condition.missing == "ignore":
        return current
    if not breaching:
        return "INSUFFICIENT_DATA"
    recent = points[-condition.periods :]
    oldest = next((len(recent) - index for index, point in enumerate(recent) if point is not None), 0)
    return "ALARM" if oldest >= condition.datapoints else current


def statistic(name: str, values: Sequence[float]) -> float | None:
    """Return a statistic (Sum, Average, Minimum, Maximum, SampleCount, pNN) of a period; None without values.

    Raises:
        NotImplementedError: unknown statistic.
    """
    if not values:
        return None
    known: Mapping[str, Callable[[Sequence[float]], float]] = {
        "Sum": math.fsum,
        "Average": lambda them: math.fsum(them) / len(them),
        "Minimum": min,
        "Maximum": max,
        "SampleCount": len,
    }
    if name in known:
        return float(known[name](values))
    if name.startswith("p"):
        rank = max(1, math.ceil(float(name[1:]) / 100 * len(values)))
        return sorted(values)[rank - 1]
    raise NotImplementedError(f"the alarm simulation does not support the statistic {name}")
