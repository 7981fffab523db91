"""Repairs of moto's change sets, which the CDK needs for each update and each `cdk diff`."""

from typing import Any

from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.parsing import ResourceMap

from localaws.patching import replace


class ChangeSetNotFoundError(CloudFormationError):
    """AWS's error for a change set that does not exist."""

    code = "ChangeSetNotFound"


def install() -> None:
    """Answer as AWS does if a change set does not exist, and keep the previous values of parameters."""
    replace(CloudFormationBackend, "delete_change_set", _deleting_what_exists)
    replace(CloudFormationBackend, "describe_change_set", _describing_what_exists)
    replace(ResourceMap, "parse_ssm_parameter", _keeping_previous_values)


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
