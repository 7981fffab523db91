"""The EMF simulation finds in log lines what CloudWatch would."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from localaws.emf import EmfError, parse_line, parse_lines
from localaws.metrics import Datum

AT = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


def line(**changes: Any) -> str:
    """Return one EMF log line with some of its parts changed."""
    directive = {"Namespace": "Shop", "Dimensions": [["Till"]], "Metrics": [{"Name": "Sales", "Unit": "Count"}]}
    document: dict[str, Any] = {
        "_aws": {"Timestamp": int(AT.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        "Till": "north",
        "Sales": 3,
    }
    return json.dumps({**document, **changes})


def test_a_metric_is_found_with_everything_it_carries() -> None:
    """Namespace, name, dimensions, value, unit and time come out."""
    assert parse_line(line()) == [Datum("Shop", "Sales", {"Till": "north"}, (3.0,), "Count", AT)]


def test_a_list_of_values_stays_one_metric_with_all_of_them() -> None:
    """Powertools writes lists; every value counts."""
    assert parse_line(line(Sales=[1, 2.5]))[0].values == (1.0, 2.5)


def test_several_dimension_sets_make_several_metrics() -> None:
    """CloudWatch keeps one metric per set of dimensions."""
    sets = {"Namespace": "Shop", "Dimensions": [["Till"], []], "Metrics": [{"Name": "Sales"}]}
    found = parse_line(line(_aws={"Timestamp": 0, "CloudWatchMetrics": [sets]}))
    assert [dict(datum.dimensions) for datum in found] == [{"Till": "north"}, {}]
    assert {datum.unit for datum in found} == {"None"}


def test_what_powertools_prints_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    """The library that the functions use and this parser agree."""
    metrics = Metrics(namespace="SqliteVault", service="backup")
    metrics.add_dimension("Database", "devops_hub")
    metrics.add_metric("Rows", MetricUnit.Count, 5)
    metrics.add_metric("Rows", MetricUnit.Count, 7)
    metrics.flush_metrics()
    (found,) = parse_lines(["START", *capsys.readouterr().out.splitlines(), "END"])
    assert (found.namespace, found.name, found.values, found.unit) == ("SqliteVault", "Rows", (5.0, 7.0), "Count")
    assert found.dimensions["Database"] == "devops_hub"


@pytest.mark.parametrize("text", ["", "plain text", "{not json", '{"level": "INFO"}', '["_aws"]', '{"_aws": 3}'])
def test_other_lines_are_passed_over(text: str) -> None:
    """Log lines without metrics are no error."""
    assert parse_line(text) == []


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"Till": None}, id="the dimension's value is missing"),
        pytest.param({"Sales": None}, id="the metric's value is missing"),
        pytest.param({"Sales": "3"}, id="the metric's value is text"),
        pytest.param({"Sales": [1, True]}, id="one of the values is no number"),
        pytest.param({"_aws": {"CloudWatchMetrics": []}}, id="there is no timestamp"),
        pytest.param({"_aws": {"Timestamp": 0}}, id="there are no directives"),
        pytest.param({"_aws": {"Timestamp": 0, "CloudWatchMetrics": [{}]}}, id="the directive is empty"),
    ],
)
def test_a_line_that_cloudwatch_would_drop_silently_is_an_error(broken: dict[str, Any]) -> None:
    """A metric that would never arrive must not pass a test."""
    with pytest.raises(EmfError):
        parse_line(line(**broken))
