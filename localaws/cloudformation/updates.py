"""Repairs of moto's updates and change sets, which the CDK needs for `cdk deploy` and `cdk diff` of existing stacks."""

from collections.abc import Mapping
from typing import Any

from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.parsing import ResourceMap

from localaws.patching import replace


class ChangeSetNotFoundError(CloudFormationError):
    """AWS's error for a change set that does not exist."""

    code = "ChangeSetNotFound"


def install() -> None:
    """Answer as AWS does if a change set does not exist, keep previous values and what is to be retained."""
    replace(CloudFormationBackend, "delete_change_set", _deleting_what_exists)
    replace(CloudFormationBackend, "describe_change_set", _describing_what_exists)
    replace(ResourceMap, "parse_ssm_parameter", _keeping_previous_values)
    replace(ResourceMap, "update", _keeping_what_is_retained)


def _deleting_what_exists(original: Any) -> Any:
    """The CDK deletes the change set of its last run without asking whether there is one."""

    def delete_change_set(backend: Any, change_set_name: str) -> None:
        if _exists(backend, change_set_name):
            original(backend, change_set_name)

    return delete_change_set


def _describing_what_exists(original: Any) -> Any:
    """The CDK waits for this error code after it deleted one."""

    def describe_change_set(backend: Any, change_set_name: str) -> Any:
        if not _exists(backend, change_set_name):
            raise ChangeSetNotFoundError(f"ChangeSet [{change_set_name}] does not exist")
        return original(backend, change_set_name)

    return describe_change_set


def _exists(backend: Any, change_set: str) -> bool:
    return any(change_set in (arn, one.change_set_name) for arn, one in backend.change_sets.items())


def _keeping_previous_values(original: Any) -> Any:
    """With UsePreviousValue moto already has the value, and would look for a parameter of that name."""

    def parse_ssm_parameter(resources: Any, value: str, value_type: str) -> Any:
        return original(resources, value, value_type) if value.startswith("/") else value

    return parse_ssm_parameter


def _keeping_what_is_retained(original: Any) -> Any:
    """Keep what leaves a stack with a retaining policy, and networks, which moto cannot delete in order."""

    def update(resources: Any, *args: Any, **kwargs: Any) -> None:
        delete = resources._delete_resource

        def delete_resource(resource: Any, template: Mapping[str, Any]) -> None:
            retained = template.get("DeletionPolicy", "").startswith("Retain")
            if not retained and not template["Type"].startswith("AWS::EC2::"):
                delete(resource, template)

        resources._delete_resource = delete_resource
        try:
            original(resources, *args, **kwargs)
        finally:
            del resources._delete_resource

    return update
