"""Simulation of CloudWatch's embedded metric format: finds metrics in log lines.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from localaws.metrics import Datum


class EmfError(ValueError):
    """A line claims to hold metrics but violates the format; CloudWatch would drop it silently."""


def parse_lines(lines: Iterable[str]) -> list[Datum]:
    """Return the metrics in log lines; lines without metrics are skipped.

    Raises:
        EmfError: a line with an `_aws` object breaks the specification.
    """
    return [datum for line in lines for datum in parse_line(line)]


def parse_line(line: str) -> list[Datum]:
    """Return the metrics of one log line: one per directive, dimension set and metric; none for other lines.

    Raises:
        EmfError: the line has an `_aws` object that breaks the specification.
    """
    document = _document(line)
    if document is None:
        return []
    metadata = document["_aws"]
    at = datetime.fromtimestamp(_require(metadata, "Timestamp", int, line) / 1000, UTC)
    directives = _require(metadata, "CloudWatchMetrics", list, line)
    return [datum for directive in directives for datum in _of_directive(directive, document, at, line)]


def _document(line: str) -> dict[str, Any] | None:
    if '"_aws"' not in line:
        return None
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) and isinstance(document.get("_aws"), dict) else None


def _of_directive(
    directive: Mapping[str, Any], document: Mapping[str, Any], at: datetime, line: str
) -> Iterator[Datum]:
    namespace = _require(directive, "Namespace", str, line)
    for names in _require(directive, "Dimensions", list, line):
        dimensions = {name: _require(document, name, str, line) for name in names}
        for metric in _require(directive, "Metrics", list, line):
            name = _require(metric, "Name", str, line)
            yield Datum(namespace, name, dimensions, _values(document, name, line), metric.get("Unit", "None"), at)


def _values(document: Mapping[str, Any], name: str, line: str) -> tuple[float, ...]:
    value = document.get(name)
    values: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in values):
        raise EmfError(f"metric {name!r} is not a number or a list of numbers in: {line}")
    return tuple(float(one) for one in values)


def _require(holder: Mapping[str, Any], name: str, kind: type, line: str) -> Any:
    value = holder.get(name)
    if not isinstance(value, kind):
        raise EmfError(f"{name!r} should be of type {kind.__name__} in: {line}")
    return value
