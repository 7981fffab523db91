"""`make deploy`: its commands, the losses that stop it, and its messages."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from infra import deploy
from sqlitevault.ground.stage import DeploymentSettings

BUCKET = {"Vault": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "vault"}}}
MAIL = {"Mail": {"Type": "AWS::SNS::Subscription", "Properties": {"Endpoint": "ops@example.com"}}}


class Cloud:
    """CloudFormation of all regions in place of boto3's client: stacks by name with resources and settings."""

    def __init__(self) -> None:
        self.stacks: dict[str, dict[str, Any]] = {}
        self.failure: Exception | None = None

    def client(self, _service: str, *, region_name: str) -> Any:  # noqa: ARG002
        """Return this object as the client of any region."""
        return self

    def deployed(self, name: str, resources: dict[str, Any], settings: DeploymentSettings, **facts: str) -> None:
        """Add a deployed stack."""
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in settings.to_outputs().items()]
        described = {"StackName": name, "StackStatus": "CREATE_COMPLETE", "Outputs": outputs, **facts}
        self.stacks[name] = {"template": {"Resources": resources}, "described": described}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        """Describe a stack, or raise AWS's error if it does not exist."""
        if self.failure is not None:
            raise self.failure
        if StackName not in self.stacks:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "?"}}, "DescribeStacks")
        return {"Stacks": [self.stacks[StackName]["described"]]}

    def get_template(self, StackName: str, TemplateStage: str) -> dict[str, Any]:  # noqa: N803
        """Return the template as boto3 does, parsed from JSON."""
        assert TemplateStage == "Original"
        return {"TemplateBody": self.stacks[StackName]["template"]}

    def get_paginator(self, name: str) -> Any:
        """List the resources of a stack with their physical ids."""
        assert name == "list_stack_resources"

        def paginate(StackName: str) -> list[dict[str, Any]]:  # noqa: N803
            names = self.stacks[StackName]["template"]["Resources"]
            rows = [{"LogicalResourceId": one, "PhysicalResourceId": f"{one.lower()}-id"} for one in names]
            return [{"StackResourceSummaries": rows}]

        return SimpleNamespace(paginate=paginate)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """An account without stacks."""
    made = Cloud()
    monkeypatch.setattr("boto3.client", made.client)
    return made


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """The recorded calls of CDK, which synthesises one stack with a bucket and nothing else."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setenv("CDK_OUTPUT", str(tmp_path))
    monkeypatch.setattr(deploy, "_cdk", lambda *arguments: calls.append(arguments))
    outputs = {name: {"Value": value} for name, value in DeploymentSettings().to_outputs().items()}
    (tmp_path / "t.json").write_text(json.dumps({"Resources": BUCKET, "Outputs": outputs}), encoding="utf-8")
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/us-east-1",
        "properties": {"templateFile": "t.json"},
    }
    artifacts = {"SqliteVault-prod": stack, "SqliteVault-prod.assets": {"type": "cdk:asset-manifest"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}), encoding="utf-8")
    return calls


def stopped(*arguments: str) -> str:
    """Run it, and return the message or code with which it exits."""
    with pytest.raises(SystemExit) as ended:
        deploy.main(arguments)
    return str(ended.value.code)


def test_new_stacks_are_deployed(cloud: Cloud, ran: list[tuple[str, ...]], tmp_path: Path) -> None:
    """The compared templates are deployed; a stack whose creation failed counts as new."""
    deploy.main(["-c", "stage=prod"])
    cloud.deployed("SqliteVault-prod", MAIL, DeploymentSettings(), StackStatus="ROLLBACK_COMPLETE")
    deploy.main([])
    synth = ("synth", "--quiet", "--output", str(tmp_path))
    deployment = ("deploy", "--all", "--app", str(tmp_path))
    assert ran == [(*synth, "-c", "stage=prod"), deployment, synth, deployment]


def test_a_loss_stops_it_unless_its_kind_is_named(
    cloud: Cloud, ran: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A deployment stops until `--replace` names every kind of loss; the output lists agreed and refused losses."""
    cloud.deployed("SqliteVault-prod", {**MAIL, "Old": BUCKET["Vault"]}, DeploymentSettings())
    assert stopped().endswith("make deploy replace=bucket,subscription")
    assert stopped("--replace", "subscription").startswith("Nothing was deployed.")
    assert len(ran) == 2
    printed = capsys.readouterr().err
    assert "agreed: the subscription of ops@example.com of SqliteVault-prod would no longer be part of" in printed
    assert "refused: the bucket old-id of SqliteVault-prod would no longer be part of the stack" in printed
    deploy.main(["--replace", "subscription, bucket"])
    assert ran[-1][0] == "deploy"


def test_another_region_is_a_loss(cloud: Cloud, ran: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    """Another region is a loss, found by the recorded settings because the new region has no stack to compare."""
    cloud.deployed("SqliteVault-prod", BUCKET, DeploymentSettings(region="eu-west-1", dr_region="us-west-2"))
    assert stopped().endswith("replace=bucket")
    assert "the vault in eu-west-1 would be left for a new one in us-east-1" in capsys.readouterr().err
    assert len(ran) == 1


def test_stacks_that_cannot_be_read_stop_it(cloud: Cloud, ran: list[tuple[str, ...]]) -> None:
    """Without credentials, or without permission to describe stacks, nothing is deployed."""
    cloud.failure = NoCredentialsError()
    assert stopped().startswith("What is deployed cannot be read: ")
    cloud.failure = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")
    assert stopped().endswith("\nNothing was deployed.")
    assert {call[0] for call in ran} == {"synth"}


def test_a_kind_that_does_not_exist_is_refused(ran: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown kind in `--replace` is refused before anything is synthesised."""
    assert stopped("--replace", "buckets") == "2"
    assert "buckets: not one of file-system, database, bucket, key, subscription" in capsys.readouterr().err
    assert ran == []
