"""Hooks for moto's CloudFormation: the added types, and visible failures."""

import sys
import traceback
from collections.abc import Callable
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend, Stack, cloudformation_backends
from moto.cloudwatch.responses import CloudWatchResponse

from localaws.clients import Clients
from localaws.cloudformation import buckets, repairs, types, updates
from localaws.cloudformation.accepted import WITHOUT_EFFECT
from localaws.cloudformation.model import AddedResource
from localaws.cloudformation.registry import TYPES
from localaws.patching import replace

__all__ = ["UnknownResourceTypeError", "install", "types"]


class UnknownResourceTypeError(Exception):
    """A template uses a type that neither moto nor localaws knows; plain moto would skip it silently."""


def install(clients: Clients) -> None:
    """Change moto's CloudFormation; once per process."""
    AddedResource.clients = clients
    # moto's PutMetricAlarm reads AlarmRule too, it only lacks the operation's name.
    responses: Any = CloudWatchResponse
    responses.put_composite_alarm = CloudWatchResponse.put_metric_alarm
    replace(parsing, "resource_class_from_type", _finding_added_types)
    replace(parsing, "clean_json", _resolving_stack_outputs)
    replace(CloudFormationBackend, "execute_change_set", _failing_loudly)
    replace(CloudFormationBackend, "delete_stack", _deleting_or_saying_why_not)
    replace(Stack, "create_resources", _failing_with_a_state("CREATE"))
    replace(Stack, "update", _failing_with_a_state("UPDATE"))
    replace(parsing.ResourceMap, "delete", _leaving_networks_behind)
    buckets.install(clients)
    repairs.install()
    updates.install()


def _finding_added_types(original: Callable[[str], Any]) -> Callable[[str], Any]:
    def resource_class_from_type(name: str) -> Any:
        if name in TYPES or name in WITHOUT_EFFECT:
            return AddedResource
        found = original(name)
        if found is None:
            raise UnknownResourceTypeError(f"the embedded AWS does not support the resource type {name}")
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
    """Set the stack's outputs, which moto omits, or a failed state with its reason, which moto lacks."""

    def execute_change_set(backend: Any, change_set_name: str, stack_name: str | None = None) -> None:
        change_set = backend.describe_change_set(change_set_name)
        stack = change_set.stack
        try:
            original(backend, change_set_name, stack_name)
        except Exception as error:  # noqa: BLE001  (the stack's events report any failure)
            _mark_failed(stack, change_set.change_set_type, f"{type(error).__name__}: {error}")
            return
        stack._parse_template()
        stack.output_map = stack._create_output_map()
        for export in stack.exports:
            backend.exports[export.name] = export

    return execute_change_set


def _failing_with_a_state(kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Do the same for stacks created or updated without a change set."""

    def wrap(original: Callable[..., None]) -> Callable[..., None]:
        def create_or_update(stack: Any, *args: Any, **kwargs: Any) -> None:
            try:
                original(stack, *args, **kwargs)
            except Exception as error:  # noqa: BLE001
                _mark_failed(stack, kind, f"{type(error).__name__}: {error}")

        return create_or_update

    return wrap


def _deleting_or_saying_why_not(original: Callable[..., None]) -> Callable[..., None]:
    """Keep a stack that cannot be deleted as DELETE_FAILED; moto would drop it and return an error."""

    def delete_stack(backend: Any, name_or_stack_id: str) -> None:
        stacks = dict(backend.stacks)
        try:
            original(backend, name_or_stack_id)
        except Exception as error:  # noqa: BLE001  (the stack's events report any failure)
            backend.stacks = stacks
            stack = backend.get_stack(name_or_stack_id)
            stack.status = "DELETE_FAILED"
            stack.status_reason = f"{type(error).__name__}: {error}"
            stack._add_stack_event("DELETE_FAILED", resource_status_reason=stack.status_reason)

    return delete_stack


def _leaving_networks_behind(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Keep networks: moto cannot delete route tables through CloudFormation, so a VPC has dependencies left."""

    def delete(resources: Any) -> None:
        try:
            original(resources)
        except Exception:
            template = resources._resource_json_map
            left = [body for name, body in template.items() if name in resources._parsed_resources]
            kinds = {body["Type"] for body in left if body.get("DeletionPolicy") != "Retain"}
            if not all(kind.startswith("AWS::EC2::") for kind in kinds):
                raise

    return delete


def _mark_failed(stack: Any, kind: str, reason: str) -> None:
    traceback.print_exc(file=sys.stderr)  # the server's log has the details
    stack.status = "ROLLBACK_COMPLETE" if kind == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
    stack.status_reason = reason
    stack._add_stack_event(f"{kind}_FAILED", resource_status_reason=reason)
    stack._add_stack_event(stack.status, resource_status_reason=reason)
