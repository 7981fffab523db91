"""Acknowledged findings of cdk-nag: each is recorded, with its reason, beside its resource."""

from collections.abc import Iterator
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import IConstruct


def acknowledge(scope: IConstruct, rule: str, reason: str) -> None:
    """Accept one finding of the AwsSolutions pack on a construct and its children."""
    _acknowledge(scope, f"AwsSolutions::AwsSolutions-{rule}", reason)


def acknowledge_annotation(scope: IConstruct, annotation: str, reason: str) -> None:
    """Accept one of CDK's own warnings on a construct and its children."""
    _acknowledge(scope, f"Annotation::{annotation}", reason)


def acknowledge_wildcards(scope: IConstruct, statements: list[iam.PolicyStatement], reason: str) -> None:
    """Accept the wildcards of exactly these statements; one that is added later is a finding again."""
    for statement in statements:
        document = Stack.of(scope).resolve(statement.to_json())
        for kind in ("Action", "Resource"):
            for value in _wildcards(document.get(kind, [])):
                acknowledge(scope, f"IAM5[{kind}::{value}]", reason)


def _acknowledge(scope: IConstruct, rule_id: str, reason: str) -> None:
    Validations.of(scope).acknowledge(Acknowledgment(id=rule_id, reason=reason))


def _wildcards(values: Any) -> Iterator[str]:  # noqa: ANN401
    for value in values if isinstance(values, list) else [values]:
        text = _flat(value)
        if "*" in text:
            yield text


def _flat(value: Any) -> str:  # noqa: ANN401
    """Return an intrinsic function as cdk-nag writes it: `<LogicalId.Attribute>`."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_flat, parts))
        case _:
            return str(value)
