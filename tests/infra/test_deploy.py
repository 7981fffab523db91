"""`make deploy`: what it runs, what stops it, and what it says."""

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
    """CloudFormation in all regions, as boto3 gives it: stacks by name with their resources and settings."""

    def __init__(self) -> None:
        self.stacks: dict[str, dict[str, Any]] = {}
        self.failure: Exception | None = None

    def client(self, _service: str, *, region_name: str) -> Any:  # noqa: ARG002
        """Return the only client."""
        return self

    def deployed(self, name: str, resources: dict[str, Any], settings: DeploymentSettings, **facts: str) -> None:
        """Have a stack."""
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in settings.to_outputs().items()]
        described = {"StackName": name, "StackStatus": "CREATE_COMPLETE", "Outputs": outputs, **facts}
        self.stacks[name] = {"template": {"Resources": resources}, "described": described}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        """Answer as AWS does for stacks that are there, and for others."""
        if self.failure is not None:
            raise self.failure
        if StackName not in self.stacks:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "?"}}, "DescribeStacks")
        return {"Stacks": [self.stacks[StackName]["described"]]}

    def get_template(self, StackName: str, TemplateStage: str) -> dict[str, Any]:  # noqa: N803
        """Return the template, which boto3 has read from JSON."""
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
    """An account without any stack."""
    made = Cloud()
    monkeypatch.setattr("boto3.client", made.client)
    return made


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """What CDK was asked for; it synthesises one stack with a bucket and nothing else."""
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
    """Run it, and return with what it ended."""
    with pytest.raises(SystemExit) as ended:
        deploy.main(arguments)
    return str(ended.value.code)


def test_what_is_not_deployed_yet_is_deployed(cloud: Cloud, ran: list[tuple[str, ...]], tmp_path: Path) -> None:
    """The templates that were compared are those that are deployed; a stack whose creation failed holds nothing."""
    deploy.main(["-c", "stage=prod"])
    cloud.deployed("SqliteVault-prod", MAIL, DeploymentSettings(), StackStatus="ROLLBACK_COMPLETE")
    deploy.main([])
    synth = ("synth", "--quiet", "--output", str(tmp_path))
    deployment = ("deploy", "--all", "--app", str(tmp_path))
    assert ran == [(*synth, "-c", "stage=prod"), deployment, synth, deployment]


def test_a_loss_stops_it_unless_its_kind_is_named(
    cloud: Cloud, ran: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Both kinds have to be named; what was agreed to is said as well."""
    cloud.deployed("SqliteVault-prod", {**MAIL, "Old": BUCKET["Vault"]}, DeploymentSettings())
    assert stopped().endswith("make deploy replace=bucket,subscription")
    assert stopped("--replace", "subscription").startswith("Nothing was deployed.")
    assert len(ran) == 2
    told = capsys.readouterr().err
    assert "agreed: the subscription of ops@example.com of SqliteVault-prod would no longer be part of" in told
    assert "refused: the bucket old-id of SqliteVault-prod would no longer be part of the stack" in told
    deploy.main(["--replace", "subscription, bucket"])
    assert ran[-1][0] == "deploy"


def test_another_region_is_a_loss(cloud: Cloud, ran: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is deployed nothing could be compared: the recorded settings are."""
    cloud.deployed("SqliteVault-prod", BUCKET, DeploymentSettings(region="eu-west-1", dr_region="us-west-2"))
    assert stopped().endswith("replace=bucket")
    assert "the vault in eu-west-1 would be left for a new one in us-east-1" in capsys.readouterr().err
    assert len(ran) == 1


def test_stacks_that_cannot_be_read_stop_it(cloud: Cloud, ran: list[tuple[str, ...]]) -> None:
    """Without credentials, or without the right to describe stacks."""
    cloud.failure = NoCredentialsError()
    assert stopped().startswith("What is deployed cannot be read: ")
    cloud.failure = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")
    assert stopped().endswith("\nNothing was deployed.")
    assert {call[0] for call in ran} == {"synth"}


def test_a_kind_that_does_not_exist_is_refused(ran: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is synthesised."""
    assert stopped("--replace", "buckets") == "2"
    assert "buckets: not one of file-system, database, bucket, key, subscription" in capsys.readouterr().err
    assert ran == []
