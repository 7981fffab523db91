"""The EMF simulation: metrics found in log lines, as CloudWatch finds them."""

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
    """Return an EMF log line with some parts changed."""
    directive = {"Namespace": "Shop", "Dimensions": [["Till"]], "Metrics": [{"Name": "Sales", "Unit": "Count"}]}
    document: dict[str, Any] = {
        "_aws": {"Timestamp": int(AT.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        "Till": "north",
        "Sales": 3,
    }
    return json.dumps({**document, **changes})


def test_a_metric_is_found_with_all_its_parts() -> None:
    """A metric is returned with namespace, name, dimensions, value, unit and time."""
    assert parse_line(line()) == [Datum("Shop", "Sales", {"Till": "north"}, (3.0,), "Count", AT)]


def test_a_list_of_values_is_one_metric() -> None:
    """A list of values, as Powertools writes it, is one metric with all values."""
    assert parse_line(line(Sales=[1, 2.5]))[0].values == (1.0, 2.5)


def test_several_dimension_sets_make_several_metrics() -> None:
    """A metric with several sets of dimensions becomes one metric per set, as in CloudWatch."""
    sets = {"Namespace": "Shop", "Dimensions": [["Till"], []], "Metrics": [{"Name": "Sales"}]}
    found = parse_line(line(_aws={"Timestamp": 0, "CloudWatchMetrics": [sets]}))
    assert [dict(datum.dimensions) for datum in found] == [{"Till": "north"}, {}]
    assert {datum.unit for datum in found} == {"None"}


def test_the_output_of_powertools_is_parsed(capsys: pytest.CaptureFixture[str]) -> None:
    """The output of Powertools, which the functions use, is parsed."""
    metrics = Metrics(namespace="SqliteVault", service="backup")
    metrics.add_dimension("Database", "devops_hub")
    metrics.add_metric("Rows", MetricUnit.Count, 5)
    metrics.add_metric("Rows", MetricUnit.Count, 7)
    metrics.flush_metrics()
    (found,) = parse_lines(["START", *capsys.readouterr().out.splitlines(), "END"])
    assert (found.namespace, found.name, found.values, found.unit) == ("SqliteVault", "Rows", (5.0, 7.0), "Count")
    assert found.dimensions["Database"] == "devops_hub"


@pytest.mark.parametrize("text", ["", "plain text", "{not json", '{"level": "INFO"}', '["_aws"]', '{"_aws": 3}'])
def test_other_lines_are_skipped(text: str) -> None:
    """Log lines without metrics are not an error."""
    assert parse_line(text) == []


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"Till": None}, id="the dimension's value is missing"),
        pytest.param({"Sales": None}, id="the metric's value is missing"),
        pytest.param({"Sales": "3"}, id="the metric's value is text"),
        pytest.param({"Sales": [1, True]}, id="one of the values is not a number"),
        pytest.param({"_aws": {"CloudWatchMetrics": []}}, id="the timestamp is missing"),
        pytest.param({"_aws": {"Timestamp": 0}}, id="the directives are missing"),
        pytest.param({"_aws": {"Timestamp": 0, "CloudWatchMetrics": [{}]}}, id="the directive is empty"),
    ],
)
def test_a_line_that_cloudwatch_would_drop_is_an_error(broken: dict[str, Any]) -> None:
    """A malformed line, which CloudWatch drops without an error, raises here."""
    with pytest.raises(EmfError):
        parse_line(line(**broken))
