"""The alarm simulation, compared with CloudWatch's documentation."""

import pytest

from localaws.alarms.evaluation import Condition, Missing, State, decide, statistic
from localaws.alarms.rules import RuleError, holds

X, G = 9.0, 0.0  # a value beyond the threshold, a value within
THREE = Condition("GreaterThanThreshold", 5, periods=3, datapoints=3)
TWO_OF_THREE = Condition("GreaterThanThreshold", 5, periods=3, datapoints=2)
KEPT: State = "INSUFFICIENT_DATA"


def points(text: str) -> list[float | None]:
    """Read the notation of AWS's page: X breaching, 0 not breaching, - missing, oldest first."""
    return [{"X": X, "0": G, "-": None}[letter] for letter in text.split()]


def outcomes(text: str, condition: Condition) -> list[State]:
    """Return the states for missing, ignore, breaching, notBreaching, as in the columns of AWS's page."""
    treatments: list[Missing] = ["missing", "ignore", "breaching", "notBreaching"]
    return [
        decide(
            points(text),
            Condition(condition.comparison, condition.threshold, condition.periods, condition.datapoints, treatment),
            KEPT,
        )
        for treatment in treatments
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 - X - X", ["OK", "OK", "OK", "OK"]),
        ("0 - - - -", ["OK", "OK", "OK", "OK"]),
        ("- - - - -", ["INSUFFICIENT_DATA", KEPT, "ALARM", "OK"]),
        ("0 X X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ("- - X - -", ["ALARM", KEPT, "ALARM", "OK"]),
        ("- - - - X", [KEPT, KEPT, "ALARM", "OK"]),
    ],
)
def test_three_of_three(text: str, expected: list[State]) -> None:
    """An alarm on three of three data points decides as in AWS's table."""
    assert outcomes(text, THREE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 - X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ("0 0 X 0 X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ("0 - X - -", ["OK", "OK", "ALARM", "OK"]),
        ("- - - - 0", ["OK", "OK", "ALARM", "OK"]),
        ("- - - X -", ["ALARM", KEPT, "ALARM", "OK"]),
    ],
)
def test_two_of_three(text: str, expected: list[State]) -> None:
    """An alarm on two of three data points decides as in AWS's table."""
    assert outcomes(text, TWO_OF_THREE) == expected


@pytest.mark.parametrize("state", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_ignore_keeps_the_present_state(state: State) -> None:
    """With `ignore`, an alarm without data keeps its state."""
    condition = Condition("LessThanThreshold", 1, periods=1, datapoints=1, missing="ignore")
    assert decide([None, None, None], condition, state) == state


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        ("GreaterThanOrEqualToThreshold", "OK", "ALARM", "ALARM"),
        ("GreaterThanThreshold", "OK", "OK", "ALARM"),
        ("LessThanOrEqualToThreshold", "ALARM", "ALARM", "OK"),
        ("LessThanThreshold", "ALARM", "OK", "OK"),
    ],
)
def test_comparisons(comparison: str, below: State, at: State, above: State) -> None:
    """Each operator compares values below, at and above the threshold."""
    condition = Condition(comparison, 5, periods=1, datapoints=1)
    assert [decide([value], condition, "OK") for value in (4.0, 5.0, 6.0)] == [below, at, above]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Sum", 10), ("Average", 2.5), ("Minimum", 1), ("Maximum", 4), ("SampleCount", 4), ("p50", 2), ("p99", 4)],
)
def test_statistics(name: str, expected: float) -> None:
    """Each statistic is computed from the same four values."""
    assert statistic(name, [4, 1, 3, 2]) == expected


def test_a_period_without_values_is_missing_not_zero() -> None:
    """Even a sum over nothing is missing data."""
    assert statistic("Sum", []) is None


def test_an_unknown_statistic_is_an_error() -> None:
    """An unknown statistic raises, so that its alarm does not look OK."""
    with pytest.raises(NotImplementedError, match="trimmed"):
        statistic("trimmed", [1.0])


STATES = {"a": "ALARM", "b": "OK", "c d": "INSUFFICIENT_DATA"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('ALARM("a")', True),
        ('ALARM("b")', False),
        ("OK(b)", True),
        ("INSUFFICIENT_DATA('c d')", True),
        ('ALARM("arn:aws:cloudwatch:us-east-1:123456789012:alarm:a")', True),
        ('ALARM("b") OR ALARM("a")', True),
        ('ALARM("b") AND ALARM("a")', False),
        ('NOT ALARM("b") AND ALARM("a")', True),
        ('ALARM("a") OR ALARM("a") AND ALARM("b")', True),
        ('(ALARM("a") OR ALARM("a")) AND ALARM("b")', False),
        ("NOT (TRUE AND FALSE)", True),
    ],
)
def test_composite_rules(rule: str, expected: bool) -> None:
    """Composite rules accept names and ARNs, operators with their precedence, and parentheses."""
    assert holds(rule, STATES) is expected


@pytest.mark.parametrize("rule", ["", "ALARM(x)", "ALARM(a) OR", "(ALARM(a)", "ALARM(a) ALARM(b)", "ALERT(a)", "AND"])
def test_an_invalid_rule_is_an_error(rule: str) -> None:
    """A malformed rule, or one that names an unknown alarm, is an error."""
    with pytest.raises(RuleError):
        holds(rule, STATES)
