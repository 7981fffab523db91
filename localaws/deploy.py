"""Deployment with the real CDK command line into an embedded AWS, with a check that all resources exist."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.clients import ACCOUNT, command_environment

ROOT = Path(__file__).resolve().parents[1]
CDK = ROOT / "node_modules" / ".bin" / "cdk"
OnLine = Callable[[str], None]


class DeployError(Exception):
    """The CDK command failed; the message ends with its last output."""


class NotDeployedError(AssertionError):
    """A resource of the synthesised templates is missing from the embedded AWS, or differs."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment: seconds per command, the folder with the synthesised templates, and the stacks' outputs."""

    bootstrap_seconds: float
    deploy_seconds: float
    assembly: Path
    stacks: tuple["Stack", ...]

    def outputs(self) -> dict[str, str]:
        """Return all stacks' outputs in one mapping."""
        return {name: value for stack in self.stacks for name, value in stack.outputs.items()}


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack with its template's resources and the deployed ones, both by logical id."""

    name: str
    region: str
    resources: Mapping[str, Mapping[str, Any]]
    physical_ids: Mapping[str, str]
    outputs: Mapping[str, str]

    def of_type(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Return the physical ids and the properties of the resources of a type."""
        chosen = {name: body for name, body in self.resources.items() if body["Type"] == kind}
        return {self.physical_ids[name]: body.get("Properties", {}) for name, body in chosen.items()}


class Cdk:
    """The pinned CDK command line, pointed at one embedded AWS."""

    def __init__(
        self,
        endpoint: str,
        work: Path,
        *,
        app: Path = ROOT / "app.py",
        context: Mapping[str, str] | None = None,
        on_line: OnLine = lambda _: None,
    ) -> None:
        """Set what to deploy and where.

        Args:
            endpoint: the embedded AWS.
            work: directory for the synthesised templates and the log `cdk.log`.
            app: the CDK app; it runs in its own directory.
            context: values of `-c`.
            on_line: called with each line that the command prints.

        Raises:
            DeployError: the command line is not installed.
        """
        if not CDK.exists():
            raise DeployError(f"{CDK} is missing: run `make setup` (npm ci)")
        self._endpoint, self._work, self._app = endpoint, work, app
        self._context, self._on_line = dict(context or {}), on_line
        self.assembly, self._temporary = work / "cdk.out", work / "tmp"
        self._temporary.mkdir(parents=True, exist_ok=True)

    def bootstrap(self, regions: Iterable[str]) -> float:
        """Prepare the regions for deployments; returns seconds."""
        targets = [f"aws://{ACCOUNT}/{region}" for region in regions]
        # Without --app no app is synthesised, which takes longer than the bootstrap.
        return self._run(["bootstrap", *targets, "--app", ""])

    def synth(self) -> float:
        """Synthesise the templates and bundle the code; returns seconds."""
        context = [part for name, value in self._context.items() for part in ("-c", f"{name}={value}")]
        app = f"{sys.executable} {self._app.name}"
        return self._run(["synth", "--quiet", "--app", app, "--output", str(self.assembly), *context])

    def deploy(self) -> float:
        """Deploy all synthesised stacks; returns seconds."""
        options = ["--require-approval", "never", "--progress", "events", "--concurrency", "2"]
        return self._run(["deploy", "--all", "--app", str(self.assembly), *options])

    def destroy(self) -> float:
        """Remove all stacks; returns seconds."""
        return self._run(["destroy", "--all", "--force", "--app", str(self.assembly)])

    def _run(self, arguments: Sequence[str]) -> float:
        began, lines = time.monotonic(), []
        with (
            (self._work / "cdk.log").open("a", encoding="utf-8") as log,
            subprocess.Popen(
                [str(CDK), *arguments, "--no-color", "--ci"],
                cwd=self._app.parent,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as command,
        ):
            try:
                for line in command.stdout or ():
                    log.write(line)
                    lines.append(line.rstrip())
                    self._on_line(line.rstrip())
            except BaseException:
                command.kill()
                raise
        if command.returncode != 0:
            raise DeployError(f"cdk {arguments[0]} failed with {command.returncode}:\n" + "\n".join(lines[-25:]))
        return time.monotonic() - began

    def _environment(self) -> dict[str, str]:
        environment = command_environment(self._endpoint, "us-east-1")
        # The app bundles with the uv of this virtual environment.
        tools = os.pathsep.join((str(Path(sys.executable).parent), environment.get("PATH", os.defpath)))
        return environment | {
            "PATH": tools,
            "TMPDIR": str(self._temporary),  # jsii leaves its folder there when it is interrupted
            "CDK_DISABLE_CLI_TELEMETRY": "1",
            "CDK_VALIDATION": "false",  # takes half of the synthesis; tests/infra has the templates validated
            "CDK_DEFAULT_ACCOUNT": ACCOUNT,
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
            "PYTHONPATH": os.pathsep.join((str(self._app.parent), str(self._app.parent / "lambdas"))),
        }


def deploy(cdk: Cdk, regions: Sequence[str], clients: Callable[[str, str], Any]) -> Deployment:
    """Bootstrap `regions`, synthesise and deploy all stacks, and read them back.

    Raises:
        DeployError: one of the commands failed.
        NotDeployedError: a resource of a template was not created.
    """
    bootstrap = cdk.bootstrap(regions)
    seconds = cdk.synth() + cdk.deploy()
    return Deployment(bootstrap, seconds, cdk.assembly, read_stacks(cdk.assembly, clients))


def read_stacks(assembly: Path, clients: Callable[[str, str], Any]) -> tuple[Stack, ...]:
    """Return the stacks of an assembly as they are deployed.

    Raises:
        NotDeployedError: a resource of a template is missing from its stack.
    """
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    artifacts = manifest["artifacts"].items()
    stacks = [(name, body) for name, body in artifacts if body["type"] == "aws:cloudformation:stack"]
    return tuple(_read_stack(assembly, name, body, clients) for name, body in stacks)


def _read_stack(assembly: Path, artifact: str, body: Mapping[str, Any], clients: Callable[[str, str], Any]) -> Stack:
    template = json.loads((assembly / body["properties"]["templateFile"]).read_text(encoding="utf-8"))
    name = body["properties"].get("stackName", artifact)
    region = body["environment"].rsplit("/", 1)[-1]
    api = clients("cloudformation", region)
    pages = api.get_paginator("list_stack_resources").paginate(StackName=name)
    made = {row["LogicalResourceId"]: row for page in pages for row in page["StackResourceSummaries"]}
    asked = {key: part for key, part in template["Resources"].items() if "Condition" not in part}
    missing = sorted(set(asked) - set(made))
    if missing:
        raise NotDeployedError(f"{name} in {region} lacks {', '.join(missing)}")
    described = api.describe_stacks(StackName=name)["Stacks"][0]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}
    physical = {key: made[key].get("PhysicalResourceId", "") for key in asked}
    return Stack(name, region, asked, physical, outputs)
