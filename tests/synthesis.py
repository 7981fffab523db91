"""The stacks, synthesised in this process without bundling, and their resources as plain data.

`aws_cdk` is imported only where it is used, because it starts a Node process in every worker that collects tests.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.context import from_context
from sqlitevault.ground.settings_file import SettingsFile
from sqlitevault.ground.stage import stack_names

if TYPE_CHECKING:
    import aws_cdk as cdk

    from infra.primary_stack import PrimaryStack
    from infra.recovery_stack import RecoveryStack

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

ROOT = Path(__file__).parents[1]
Properties = dict[str, Any]


class Synthesised:
    """One stack's template."""

    def __init__(self, stack: "cdk.Stack") -> None:
        """Read the template."""
        from aws_cdk.assertions import Template

        self.template: dict[str, Any] = dict(Template.from_stack(stack).to_json())
        self.resources: dict[str, dict[str, Any]] = self.template["Resources"]

    def all(self, kind: str) -> dict[str, Properties]:
        """Return the properties of all resources of a type, by logical id."""
        return {name: made.get("Properties", {}) for name, made in self.resources.items() if made["Type"] == kind}

    def named(self, kind: str, field: str) -> dict[str, Properties]:
        """Return the properties of all resources of a type, by the value of one of their fields."""
        return {text(made[field]): made for made in self.all(kind).values() if field in made}

    def one(self, kind: str) -> Properties:
        """Return the properties of the only resource of a type."""
        (made,) = self.all(kind).values()
        return made

    def bucket(self) -> tuple[str, Properties]:
        """Return the backup bucket: the only one with an explicit name."""
        ((name, made),) = ((n, p) for n, p in self.all("AWS::S3::Bucket").items() if "BucketName" in p)
        return name, made

    def functions(self) -> dict[str, Properties]:
        """Return the functions by verb."""
        return {
            text(made["FunctionName"]).rpartition("-")[2]: made for made in self.all("AWS::Lambda::Function").values()
        }

    def function_id(self, verb: str) -> str:
        """Return a function's logical id."""
        functions = self.all("AWS::Lambda::Function").items()
        return next(name for name, made in functions if text(made["FunctionName"]).endswith(f"-{verb}"))

    def statements(self, role: str) -> list[Properties]:
        """Return all policy statements of a role."""
        return [
            statement
            for policy in self.all("AWS::IAM::Policy").values()
            if {"Ref": role} in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def rights(self, verb: str) -> "Rights":
        """Return the rights of a function's role."""
        return Rights(self.statements(self.functions()[verb]["Role"]["Fn::GetAtt"][0]))


@dataclass(frozen=True)
class Rights:
    """The statements of one role."""

    statements: list[Properties]

    def pairs(self, effect: str, service: str) -> set[tuple[str, str]]:
        """Return action and resource of all statements with this effect on a service."""
        return {
            (action, text(resource))
            for statement in self.statements
            if statement["Effect"] == effect
            for action in listed(statement["Action"])
            if action.startswith(f"{service}:")
            for resource in listed(statement["Resource"])
        }

    def actions(self, effect: str, service: str = "") -> set[str]:
        """Return the actions with this effect."""
        found = {a for s in self.statements if s["Effect"] == effect for a in listed(s["Action"])}
        return {action for action in found if action.startswith(service)}


@dataclass(frozen=True)
class Deployment:
    """Both stacks as they would be deployed, and the findings of the validation plugins."""

    primary: Synthesised
    recovery: Synthesised
    findings: list[tuple[str, str]]
    folder: Path


def new_app(folder: Path, **context: object) -> "cdk.App":
    """Return an app with the project's context, extra context, and no bundling."""
    import aws_cdk as cdk

    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    return cdk.App(context={**flags, "aws:cdk:bundling-stacks": [], **context}, outdir=str(folder))


def build(folder: Path, **context: object) -> "tuple[cdk.App, PrimaryStack, RecoveryStack]":
    """Build both stacks as `app.py` does."""
    from infra.primary_stack import PrimaryStack
    from infra.recovery_stack import RecoveryStack

    app = new_app(folder, **context)
    settings = from_context(app.node.get_all_context(), SettingsFile(Path("no-file.toml")))
    primary_name, recovery_name = stack_names(settings.stage)
    recovery = RecoveryStack(app, recovery_name, settings=settings)
    primary = PrimaryStack(app, primary_name, settings=settings)
    primary.add_stack_dependency(recovery)
    return app, primary, recovery


def synthesise(folder: Path, **context: object) -> Deployment:
    """Build both stacks, check them and read their templates."""
    app, primary, recovery = build(folder, **context)
    found = findings(app, folder)
    return Deployment(Synthesised(primary), Synthesised(recovery), found, folder)


def findings(app: "cdk.App", folder: Path) -> list[tuple[str, str]]:
    """Synthesise with cdk-nag, and return rule and construct of each finding that is not acknowledged."""
    import aws_cdk as cdk
    from cdk_nag import AwsSolutionsChecks

    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:
        if not str(error).startswith("ValidationFailed"):
            raise
    report = json.loads((folder / "validation-report.json").read_text())
    return [
        (violation["ruleName"], construct["constructPath"])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    ]


def listed(value: Any) -> list[Any]:
    """Return a value as a list, where CloudFormation also allows a single item."""
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """Return a value with intrinsic functions replaced by text: `<LogicalId>`, `<LogicalId.Attribute>`."""
    match value:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(text, parts))
    return str(value)


def references(value: Any) -> Iterator[str]:
    """Yield the name of every intrinsic function in a template."""
    if isinstance(value, dict):
        yield from (name for name in value if name.startswith("Fn::") or name == "Ref")
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from references(part)
