"""The whole stacks: linked only by names, clean for cfn-lint and cdk-nag, and compared with snapshots."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from sqlitevault.ground.stage import DeploymentSettings
from tests.synthesis import Deployment, Synthesised, build, findings, new_app, references, text

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from infra.vault_bucket import VaultBucket

STACKS = ["primary", "recovery"]
ASSET = re.compile(r"\b[0-9a-f]{64}\b")


def test_no_stack_refers_to_another(deployment: Deployment) -> None:
    """No export, no import, no output of another stack, and no custom resource that would carry values over."""
    for stack in (deployment.primary, deployment.recovery):
        assert set(references(stack.template["Resources"])) <= {
            "Ref",
            "Fn::GetAtt",
            "Fn::Join",
            "Fn::Sub",
            "Fn::Select",
            "Fn::GetAZs",
        }
        assert not any("Export" in output for output in stack.template["Outputs"].values())
        assert not any(
            made["Type"].startswith(("Custom::", "AWS::CloudFormation::")) for made in stack.resources.values()
        )


def test_the_recovery_region_is_deployed_first(deployment: Deployment) -> None:
    """The recovery stack is deployed first, because S3 refuses to replicate into a missing bucket."""
    manifest = json.loads((deployment.folder / "manifest.json").read_text())["artifacts"]
    assert "SqliteVault-prod-recovery" in manifest["SqliteVault-prod"]["dependencies"]
    assert "SqliteVault-prod" not in manifest["SqliteVault-prod-recovery"]["dependencies"]
    assert [manifest[name]["environment"] for name in ("SqliteVault-prod", "SqliteVault-prod-recovery")] == [
        "aws://unknown-account/us-east-1",
        "aws://unknown-account/us-west-2",
    ]


def test_both_regions_mean_the_same_names(primary: Synthesised, recovery: Synthesised) -> None:
    """Each stack uses the names of the other stack's resources."""
    outputs = {name: text(output["Value"]) for name, output in primary.template["Outputs"].items()}
    replica = text(recovery.bucket()[1]["BucketName"])
    assert outputs["ReplicaBucket"] == text(recovery.template["Outputs"]["ReplicaBucket"]["Value"]) == replica
    assert outputs["VaultBucket"] == text(primary.bucket()[1]["BucketName"]) != replica


def test_the_recovery_region_is_a_pilot_light(recovery: Synthesised) -> None:
    """The recovery region has everything that a restore needs, and its stack does not refer to the primary region."""
    assert set(recovery.functions()) == {"restore", "drill"}
    assert len(recovery.all("AWS::EFS::MountTarget")) == 2
    outputs = {name: text(output["Value"]) for name, output in recovery.template["Outputs"].items()}
    assert outputs["RestoreFunction"] == f"<{recovery.function_id('restore')}>"
    region = "us-east-1"
    own = {name: made for name, made in recovery.resources.items() if region in json.dumps(made)}
    assert own == {}


@pytest.mark.parametrize("name", STACKS)
def test_a_template_changes_only_on_purpose(name: str, deployment: Deployment, snapshot: SnapshotAssertion) -> None:
    """The whole template equals its snapshot, except for code hashes; `--snapshot-update` accepts a change."""
    stack: Synthesised = getattr(deployment, name)
    assert _without_hashes(stack.template) == snapshot(extension_class=JSONSnapshotExtension)


@pytest.mark.parametrize("name", STACKS)
def test_cfn_lint_finds_nothing(name: str, deployment: Deployment) -> None:
    """cfn-lint finds nothing except style advice (I) and W3005, redundant dependencies that CDK writes."""
    from cfnlint.api import lint_all

    stack: Synthesised = getattr(deployment, name)
    found = lint_all(json.dumps(stack.template))
    assert [str(match) for match in found if not match.rule.id.startswith(("I", "W3005"))] == []


def test_cfn_lint_would_find_something(primary: Synthesised) -> None:
    """cfn-lint reports a misspelt property and a reference to a missing resource, so the check works."""
    from cfnlint.api import lint_all

    broken = json.loads(json.dumps(primary.template))
    bucket = broken["Resources"][primary.bucket()[0]]["Properties"]
    bucket["Versioning"] = bucket.pop("VersioningConfiguration")
    bucket["BucketName"] = {"Ref": "Nothing"}
    assert {match.rule.id for match in lint_all(json.dumps(broken))} >= {"E3002", "E1020"}


def test_nothing_is_left_to_acknowledge(deployment: Deployment, on_existing: Deployment) -> None:
    """Every finding of cdk-nag and every warning of CDK is resolved or acknowledged with a reason."""
    assert deployment.findings == []
    assert on_existing.findings == []


def _not_rotating(vault: "VaultBucket") -> None:
    cast("kms.CfnKey", vault.key.node.default_child).enable_key_rotation = False


def _public(vault: "VaultBucket") -> None:
    from aws_cdk import aws_s3 as s3

    opened = s3.CfnBucket.PublicAccessBlockConfigurationProperty(block_public_acls=False, block_public_policy=False)
    vault.cfn_bucket.public_access_block_configuration = opened


def _unlogged(vault: "VaultBucket") -> None:
    vault.cfn_bucket.logging_configuration = None


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        pytest.param(_not_rotating, "AwsSolutions-KMS5", id="a key that does not rotate"),
        pytest.param(_public, "AwsSolutions-S2", id="a bucket that may become public"),
        pytest.param(_unlogged, "AwsSolutions-S1", id="a bucket without an access log"),
    ],
)
def test_cdk_nag_would_find_it(spoil: "Callable[[VaultBucket], None]", rule: str, tmp_path: Path) -> None:
    """A weakened vault has a finding on its resource, so the check works."""
    import aws_cdk as cdk

    from infra.vault_bucket import VaultBucket

    app = new_app(tmp_path)
    stack = cdk.Stack(app, "Spoilt")
    spoil(VaultBucket(stack, "Vault", name="spoilt", key_alias="alias/spoilt", settings=DeploymentSettings()))
    assert rule in {found for found, construct in findings(app, tmp_path) if construct.startswith("Spoilt/Vault/")}


def test_an_acknowledgement_that_is_taken_away_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the acknowledgement of wildcards there are findings, so it is needed."""
    monkeypatch.setattr("infra.functions.acknowledge_wildcards", lambda *_: None)
    app, _, _ = build(tmp_path)
    found = findings(app, tmp_path)
    assert any(rule.startswith("AwsSolutions-IAM5[Resource::") for rule, _ in found)
    assert {construct.split("/")[1] for _, construct in found} == {"Functions"}


def _without_hashes(template: dict[str, Any]) -> dict[str, Any]:
    kept = json.loads(ASSET.sub("<asset>", json.dumps(template)))
    for made in kept["Resources"].values():
        made.pop("Metadata", None)
    return cast("dict[str, Any]", kept)
