"""`make deploy`: synthesises, compares with what is deployed, and deploys unless something would be lost."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.comparison import KINDS, Deployed, Loss, Template, losses
from sqlitevault.ground.stage import recorded_settings

ROOT = Path(__file__).resolve().parents[1]
CDK = ROOT / "node_modules" / ".bin" / "cdk"
# Stacks whose creation never ended hold nothing yet.
_NOT_DEPLOYED = {"REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_COMPLETE"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Deploy; exit status 1 if something would be lost, or the stacks cannot be read, or CDK fails."""
    options = _parser().parse_args(arguments)
    assembly = Path(os.environ.get("CDK_OUTPUT", "cdk.out"))
    context = [part for value in options.context for part in ("-c", value)]
    _cdk("synth", "--quiet", "--output", str(assembly), *context)
    try:
        found = list(_compared(assembly))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"What is deployed cannot be read: {error}\nNothing was deployed.")
    refused = [loss for loss in found if loss.kind not in options.replace]
    for loss in found:
        print(f"{'refused' if loss in refused else 'agreed'}: {loss.sentence} ({loss.kind})", file=sys.stderr)  # noqa: T201
    if refused:
        kinds = ",".join(kind for kind in KINDS if kind in {loss.kind for loss in found})
        sys.exit(f"Nothing was deployed. If all of this is meant: make deploy replace={kinds}")
    _cdk("deploy", "--all", "--app", str(assembly))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="NAME=VALUE", help="as for cdk")
    parser.add_argument(
        "--replace", type=_kinds, default=frozenset(), metavar="KINDS", help=f"may be lost: any of {', '.join(KINDS)}"
    )
    return parser


def _kinds(text: str) -> frozenset[str]:
    given = frozenset(text.replace(",", " ").split())
    if unknown := given - set(KINDS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not one of {', '.join(KINDS)}")
    return given


def _cdk(*arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CDK_OUTPUT"}
    done = subprocess.run([str(CDK), *arguments], cwd=ROOT, env=environment, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _compared(assembly: Path) -> Iterator[Loss]:
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    moved: set[Loss] = set()
    for name, artifact in manifest["artifacts"].items():
        if artifact["type"] != "aws:cloudformation:stack":
            continue
        new: Template = json.loads((assembly / artifact["properties"]["templateFile"]).read_text(encoding="utf-8"))
        stack = artifact["properties"].get("stackName", name)
        region = artifact["environment"].rpartition("/")[2]
        client = boto3.client("cloudformation", region_name=region)
        described = _described(client, stack)
        if described is None:
            continue
        yield from losses(_deployed(client, described, region), new)
        moved |= set(_moved(described, new))
    yield from moved


def _described(client: Any, stack: str) -> dict[str, Any] | None:  # noqa: ANN401
    try:
        described: dict[str, Any] = client.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None  # no stack has this name
        raise
    return None if described["StackStatus"] in _NOT_DEPLOYED else described


def _deployed(client: Any, described: dict[str, Any], region: str) -> Deployed:  # noqa: ANN401
    name = described["StackName"]
    body = client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    rows = (row for page in pages for row in page["StackResourceSummaries"])
    physical = {row["LogicalResourceId"]: row.get("PhysicalResourceId", "") for row in rows}
    return Deployed(name, region, json.loads(body) if isinstance(body, str) else body, physical)


def _moved(described: dict[str, Any], new: Template) -> Iterator[Loss]:
    """Yield regions that change: another stack would be made there, and nobody would look at the old one."""
    before = recorded_settings({output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])})
    after = recorded_settings({name: output["Value"] for name, output in new.get("Outputs", {}).items()})
    for name, bucket in (("region", "vault"), ("dr_region", "replica")):
        if name in before and before[name] != after[name]:
            yield Loss("bucket", f"the {bucket} in {before[name]} would be left for a new one in {after[name]}")


if __name__ == "__main__":
    main()
