"""Values of CloudWatch metrics, stored in moto."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from moto.cloudwatch.models import cloudwatch_backends

from localaws.clients import ACCOUNT


@dataclass(frozen=True, slots=True)
class Datum:
    """Values of one metric at one moment."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    values: tuple[float, ...]
    unit: str
    at: datetime


def put(region: str, data: Iterable[Datum]) -> None:
    """Store them in the region's CloudWatch, as PutMetricData would."""
    backend = cloudwatch_backends[ACCOUNT][region]
    for datum in data:
        backend.put_metric_data(datum.namespace, [_member(datum)])


def forget() -> None:
    """Drop all values in every region: everything measured until now counts as long past."""
    for backend in cloudwatch_backends[ACCOUNT].values():
        backend.metric_data.clear()


def _member(datum: Datum) -> dict[str, object]:
    return {
        "MetricName": datum.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in datum.dimensions.items()],
        "Values": list(datum.values),
        "Unit": datum.unit,
        "Timestamp": moto_time(datum.at),
    }


def moto_time(moment: datetime) -> datetime:
    """Return the moment as moto compares them: in UTC, without a time zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
