"""Evaluation of all deployed alarms on request, with their states and actions."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, MetricDatum, cloudwatch_backends
from moto.sqs.models import sqs_backends

from localaws.alarms.evaluation import EXTRA_PERIODS, Condition, State, decide, statistic
from localaws.alarms.rules import holds
from localaws.clients import ACCOUNT, Clients
from localaws.functions.asynchronous import send_to
from localaws.metrics import Datum, moto_time, put
from localaws.patching import replace
from localaws.replication import Replication

_ACTIONS = {"ALARM": "alarm_actions", "OK": "ok_actions", "INSUFFICIENT_DATA": "insufficient_data_actions"}


class AlarmMonitor:
    """The alarm simulation of one embedded AWS."""

    def __init__(self, clients: Clients, replication: Replication) -> None:
        """Keep what deliveries and S3's metrics need."""
        self._clients, self._replication = clients, replication

    def install(self) -> None:
        """Deliver an alarm's actions whenever its state changes, even if it is set by hand."""

        def delivering(original: Callable[..., None]) -> Callable[..., None]:
            def set_alarm_state(backend: Any, alarm_name: str, reason: str, reason_data: str, state_value: str) -> None:
                before = backend.alarms[alarm_name].state_value if alarm_name in backend.alarms else None
                original(backend, alarm_name, reason, reason_data, state_value)
                if before != state_value:
                    self._deliver(backend.alarms[alarm_name], str(before), reason)

            return set_alarm_state

        replace(CloudWatchBackend, "set_alarm_state", delivering)

    def evaluate(self, now: datetime) -> list[dict[str, str]]:
        """Evaluate every alarm as of `now`; return region, name, state before and after, and reason of each."""
        _count_queued_messages(now)
        self._replication.emit_metrics(now)
        return [row for region, backend in _used_backends() for row in _evaluate_region(region, backend, now)]

    def _deliver(self, alarm: Any, before: str, reason: str) -> None:
        actions = getattr(alarm, _ACTIONS[alarm.state_value]) if alarm.actions_enabled else []
        for arn in actions:
            send_to(arn, json.dumps(notification(alarm, before, reason)), self._clients)


def notification(alarm: Any, before: str, reason: str) -> dict[str, Any]:
    """Return the message that CloudWatch publishes to a topic; `alarm` is moto's."""
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": ACCOUNT,
        "NewStateValue": alarm.state_value,
        "NewStateReason": reason,
        "StateChangeTime": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "Region": alarm.region_name,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
    }
    return {**message, "AlarmRule": alarm.rule} if alarm.rule else message


def _used_backends() -> Iterator[tuple[str, Any]]:
    for region, backend in list(cloudwatch_backends[ACCOUNT].items()):
        if backend.alarms:
            yield region, backend


def _evaluate_region(region: str, backend: Any, now: datetime) -> Iterator[dict[str, str]]:
    """Evaluate metric alarms first, then the composite ones, which depend on the others' new states."""
    alarms = sorted(backend.alarms.values(), key=lambda alarm: alarm.rule is not None)
    for alarm in alarms:
        before = alarm.state_value
        if alarm.rule is None:
            after, reason = _metric_state(alarm, backend, now)
        else:
            states = {name: other.state_value for name, other in backend.alarms.items()}
            after, reason = ("ALARM" if holds(alarm.rule, states) else "OK"), f"rule {alarm.rule}"
        if after != before:
            backend.set_alarm_state(alarm.name, reason, "{}", after)
        yield {"region": region, "name": alarm.name, "before": before, "after": after, "reason": reason}


def _metric_state(alarm: Any, backend: Any, now: datetime) -> tuple[State, str]:
    if alarm.metric_data_queries:
        raise NotImplementedError(f"the alarm simulation does not support metric math: {alarm.name}")
    periods = int(alarm.evaluation_periods)
    condition = Condition(
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        periods=periods,
        datapoints=int(alarm.datapoints_to_alarm or periods),
        missing=alarm.treat_missing_data or "missing",
    )
    points = data_points(alarm, backend, now, count=periods + EXTRA_PERIODS)
    shown = ", ".join("missing" if point is None else f"{point:g}" for point in points[-periods:])
    return decide(points, condition, alarm.state_value), f"data points [{shown}], threshold {alarm.threshold}"


def data_points(alarm: Any, backend: Any, now: datetime, *, count: int) -> list[float | None]:
    """Return the alarm's statistic over `count` periods, oldest first; the last period ends at `now`."""
    period = timedelta(seconds=int(alarm.period))
    dimensions = {dimension.name: dimension.value for dimension in alarm.dimensions}
    values = list(_values(backend, alarm.namespace, alarm.metric_name, dimensions))
    name = alarm.statistic or alarm.extended_statistic
    points = []
    for back in reversed(range(count)):
        start, end = moto_time(now - (back + 1) * period), moto_time(now - back * period)
        points.append(statistic(name, [value for at, value in values if start < at <= end]))
    return points


def _values(backend: Any, namespace: str, name: str, dimensions: Mapping[str, str]) -> Iterator[tuple[datetime, float]]:
    for datum in backend.metric_data:
        if (datum.namespace, datum.name) != (namespace, name) or not isinstance(datum, MetricDatum):
            continue
        if {dimension.name: dimension.value for dimension in datum.dimensions} == dimensions:
            yield _comparable(datum.timestamp), datum.value


def _comparable(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moto_time(moment)


def _count_queued_messages(now: datetime) -> None:
    """Put ApproximateNumberOfMessagesVisible of every queue; moto counts them only in passing."""
    for region, backend in list(sqs_backends[ACCOUNT].items()):
        counts = {name: queue.approximate_number_of_messages for name, queue in backend.queues.items()}
        put(region, [_visible(name, count, now) for name, count in counts.items()])


def _visible(queue: str, count: int, now: datetime) -> Datum:
    name = "ApproximateNumberOfMessagesVisible"
    return Datum("AWS/SQS", name, {"QueueName": queue}, (float(count),), "Count", now)
