"""Resource types that the stacks use and moto's CloudFormation lacks."""

from typing import Any

from localaws.cloudformation.api_shapes import whole_numbers
from localaws.cloudformation.registry import Made, Request, resource_type

_SCHEDULE_NUMBERS = frozenset({"MaximumRetryAttempts", "MaximumEventAgeInSeconds", "MaximumWindowInMinutes"})
_ALARM_NUMBERS = frozenset({"EvaluationPeriods", "DatapointsToAlarm", "Period"})
_INVOKE_NUMBERS = frozenset({"MaximumRetryAttempts", "MaximumEventAgeInSeconds"})
_NAME_LIMIT = 64


def _remove_group(request: Request) -> None:
    request.client("scheduler").delete_schedule_group(Name=request.name)


def _existing_group(request: Request) -> Made:
    name = request.properties.get("Name", request.name)
    return Made(name, {"Arn": request.client("scheduler").get_schedule_group(Name=name)["Arn"]})


@resource_type("AWS::Scheduler::ScheduleGroup", remove=_remove_group, change=_existing_group)
def schedule_group(request: Request) -> Made:
    """A group of schedules."""
    name = request.properties.get("Name", request.name)
    return Made(name, {"Arn": request.client("scheduler").create_schedule_group(Name=name)["ScheduleGroupArn"]})


def _remove_schedule(request: Request) -> None:
    group = request.properties.get("GroupName", "default")
    request.client("scheduler").delete_schedule(Name=request.name, GroupName=group)


def _change_schedule(request: Request) -> Made:
    asked = _schedule(request)
    return Made(asked["Name"], {"Arn": request.client("scheduler").update_schedule(**asked)["ScheduleArn"]})


@resource_type("AWS::Scheduler::Schedule", remove=_remove_schedule, change=_change_schedule)
def schedule(request: Request) -> Made:
    """A schedule; it fires on request through the control API."""
    asked = _schedule(request)
    return Made(asked["Name"], {"Arn": request.client("scheduler").create_schedule(**asked)["ScheduleArn"]})


def _schedule(request: Request) -> dict[str, Any]:
    asked: dict[str, Any] = whole_numbers(request.properties, _SCHEDULE_NUMBERS)
    asked.setdefault("Name", request.name[-_NAME_LIMIT:])
    return asked


def _remove_alarm(request: Request) -> None:
    request.client("cloudwatch").delete_alarms(AlarmNames=[request.name])


@resource_type("AWS::CloudWatch::Alarm", remove=_remove_alarm)
def alarm(request: Request) -> Made:
    """An alarm on a metric; it starts without data, as on AWS (in moto it would start OK)."""
    asked = whole_numbers(request.properties, _ALARM_NUMBERS)
    name = asked.setdefault("AlarmName", request.name)
    if "Threshold" in asked:
        asked["Threshold"] = float(asked["Threshold"])
    request.client("cloudwatch").put_metric_alarm(**asked)
    return _new_alarm(request, name)


@resource_type("AWS::CloudWatch::CompositeAlarm", remove=_remove_alarm)
def composite_alarm(request: Request) -> Made:
    """An alarm on other alarms' states."""
    name = request.properties.setdefault("AlarmName", request.name)
    request.client("cloudwatch").put_composite_alarm(**request.properties)
    return _new_alarm(request, name)


def _new_alarm(request: Request, name: str) -> Made:
    request.client("cloudwatch").set_alarm_state(
        AlarmName=name, StateValue="INSUFFICIENT_DATA", StateReason="Unchecked: Initial alarm creation"
    )
    return Made(name, {"Arn": request.arn("cloudwatch", f"alarm:{name}")})


def _remove_invoke_config(request: Request) -> None:
    name = request.properties["FunctionName"]
    request.client("lambda").delete_function_event_invoke_config(FunctionName=name)


@resource_type("AWS::Lambda::EventInvokeConfig", remove=_remove_invoke_config)
def event_invoke_config(request: Request) -> Made:
    """Retries and destinations of asynchronous invocations; moto knows no qualifiers here."""
    asked = whole_numbers(request.properties, _INVOKE_NUMBERS)
    asked.pop("Qualifier", None)
    request.client("lambda").put_function_event_invoke_config(**asked)
    return Made(request.name)


def _remove_subscription(request: Request) -> None:
    request.client("sns").unsubscribe(SubscriptionArn=request.name)


@resource_type("AWS::SNS::Subscription", remove=_remove_subscription)
def subscription(request: Request) -> Made:
    """A subscription to a topic."""
    asked = request.properties
    answer = request.client("sns").subscribe(
        TopicArn=asked["TopicArn"], Protocol=asked["Protocol"], Endpoint=asked["Endpoint"], ReturnSubscriptionArn=True
    )
    return Made(answer["SubscriptionArn"])
