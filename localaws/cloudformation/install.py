"""Hooks the added types into moto's CloudFormation and makes its failures visible."""

from collections.abc import Callable
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend, cloudformation_backends
from moto.cloudwatch.responses import CloudWatchResponse

from localaws.clients import Clients
from localaws.cloudformation import buckets, types
from localaws.cloudformation.accepted import WITHOUT_EFFECT
from localaws.cloudformation.model import AddedResource
from localaws.cloudformation.registry import TYPES
from localaws.patching import replace

__all__ = ["UnknownResourceTypeError", "install", "types"]


class UnknownResourceTypeError(Exception):
    """A template asks for a type that neither moto nor localaws knows; moto alone would skip it silently."""


def install(clients: Clients) -> None:
    """Change moto's CloudFormation; once per process."""
    AddedResource.clients = clients
    # moto's PutMetricAlarm reads AlarmRule too, it only lacks the operation's name.
    responses: Any = CloudWatchResponse
    responses.put_composite_alarm = CloudWatchResponse.put_metric_alarm
    replace(parsing, "resource_class_from_type", _finding_added_types)
    replace(parsing, "clean_json", _resolving_stack_outputs)
    replace(CloudFormationBackend, "execute_change_set", _failing_loudly)
    buckets.install(clients)


def _finding_added_types(original: Callable[[str], Any]) -> Callable[[str], Any]:
    def resource_class_from_type(name: str) -> Any:
        if name in TYPES or name in WITHOUT_EFFECT:
            return AddedResource
        found = original(name)
        if found is None:
            raise UnknownResourceTypeError(f"the embedded AWS does not know the resource type {name}")
        return found

    return resource_class_from_type


def _resolving_stack_outputs(original: Callable[..., Any]) -> Callable[..., Any]:
    """`Fn::GetStackOutput`: the CDK's reference to an output of a stack in another region."""

    def clean_json(value: Any, resources: Any) -> Any:
        if not (isinstance(value, dict) and "Fn::GetStackOutput" in value):
            return original(value, resources)
        asked = value["Fn::GetStackOutput"]
        region = asked.get("Region", resources["AWS::Region"])
        stack = cloudformation_backends[resources["AWS::AccountId"]][region].get_stack(asked["StackName"])
        return next(one["OutputValue"] for one in stack.outputs or [] if one["OutputKey"] == asked["OutputName"])

    return clean_json


def _failing_loudly(original: Callable[..., None]) -> Callable[..., None]:
    """Give the stack its outputs, which moto forgets, or a failed state with the reason, which moto has none of."""

    def execute_change_set(backend: Any, change_set_name: str, stack_name: str | None = None) -> None:
        change_set = backend.describe_change_set(change_set_name)
        stack = change_set.stack
        try:
            original(backend, change_set_name, stack_name)
        except Exception as error:  # noqa: BLE001  (any failure is the stack's, to be told by its events)
            _mark_failed(stack, change_set.change_set_type, f"{type(error).__name__}: {error}")
            return
        stack._parse_template()
        stack.output_map = stack._create_output_map()
        for export in stack.exports:
            backend.exports[export.name] = export

    return execute_change_set


def _mark_failed(stack: Any, kind: str, reason: str) -> None:
    stack.status = "ROLLBACK_COMPLETE" if kind == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
    stack.status_reason = reason
    stack._add_stack_event(f"{kind}_FAILED", resource_status_reason=reason)
    stack._add_stack_event(stack.status, resource_status_reason=reason)
