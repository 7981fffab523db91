"""Comparison before a deployment: losses are named, all other changes pass."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from infra.comparison import Deployed, Loss, losses
from tests.infra.conftest import EXISTING
from tests.synthesis import Deployment, Synthesised

Template = dict[str, Any]


def compared(
    deployed: Synthesised, change: Callable[[Template], None], *, before: Callable[[Template], None] | None = None
) -> list[Loss]:
    """Return the losses of a changed template; `before` changes the deployed one."""
    old, new = copy.deepcopy(deployed.template), copy.deepcopy(deployed.template)
    if before is not None:
        before(old)
    change(new)
    physical = {name: f"physical-{name}" for name in old["Resources"]}
    return list(losses(Deployed("SqliteVault-prod", "us-east-1", old, physical), new))


def of_type(template: Template, kind: str) -> dict[str, Template]:
    """Return the resources of a type."""
    return {name: made for name, made in template["Resources"].items() if made["Type"] == kind}


def without(kind: str) -> Callable[[Template], None]:
    """Remove all resources of a type."""

    def change(template: Template) -> None:
        for name in of_type(template, kind):
            del template["Resources"][name]

    return change


def renamed(kind: str) -> Callable[[Template], None]:
    """Give all resources of a type new logical ids."""

    def change(template: Template) -> None:
        for name in of_type(template, kind):
            template["Resources"][f"{name}Moved"] = template["Resources"].pop(name)

    return change


def with_property(kind: str, name: str, value: Any) -> Callable[[Template], None]:
    """Set a property of all resources of a type."""

    def change(template: Template) -> None:
        for made in of_type(template, kind).values():
            made["Properties"][name] = value

    return change


def test_the_same_template_loses_nothing(primary: Synthesised, recovery: Synthesised) -> None:
    """The same template loses nothing, even if a version of the CDK spells its ARNs differently."""

    def spelt_out(template: Template) -> None:
        for bucket in of_type(template, "AWS::S3::Bucket").values():
            for rule in bucket["Properties"].get("ReplicationConfiguration", {}).get("Rules", []):
                first, *rest = rule["Destination"]["Bucket"]["Fn::Join"][1]
                parts = ["arn:", {"Ref": "AWS::Partition"}, first.removeprefix("arn:aws"), *rest]
                rule["Destination"]["Bucket"] = {"Fn::Join": ["", parts]}

    for stack in (primary, recovery):
        assert compared(stack, lambda _: None) == []
        assert compared(stack, spelt_out) == []


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        pytest.param(without("AWS::SNS::Subscription"), {"subscription"}, id="no mail"),
        pytest.param(
            with_property("AWS::SNS::Subscription", "Endpoint", "x@example.com"), {"subscription"}, id="other mail"
        ),
        pytest.param(renamed("AWS::SNS::Topic"), {"subscription"}, id="new topic"),
        pytest.param(renamed("AWS::S3::Bucket"), {"bucket"}, id="buckets moved"),
        pytest.param(with_property("AWS::S3::Bucket", "BucketName", "other"), {"bucket"}, id="bucket renamed"),
        pytest.param(without("AWS::KMS::Key"), {"key"}, id="no key"),
        pytest.param(with_property("AWS::KMS::Key", "KeySpec", "RSA_2048"), {"key"}, id="other key"),
        pytest.param(with_property("AWS::S3::Bucket", "BucketEncryption", {}), {"key"}, id="no encryption"),
        pytest.param(with_property("AWS::EFS::FileSystem", "Encrypted", False), {"file-system"}, id="new file system"),
        pytest.param(
            with_property("AWS::EFS::AccessPoint", "FileSystemId", "fs-1"), {"file-system"}, id="other file system"
        ),
        pytest.param(
            with_property("AWS::EFS::AccessPoint", "RootDirectory", {"Path": "/x"}), {"file-system"}, id="other folder"
        ),
        pytest.param(with_property("AWS::Lambda::Function", "FileSystemConfigs", []), {"file-system"}, id="no mount"),
        pytest.param(with_property("AWS::EFS::AccessPoint", "PosixUser", {"Uid": "1"}), set(), id="other user"),
        pytest.param(with_property("AWS::Lambda::Function", "MemorySize", 512), set(), id="less memory"),
        pytest.param(with_property("AWS::S3::Bucket", "LifecycleConfiguration", {}), set(), id="kept for ever"),
        pytest.param(renamed("AWS::CloudWatch::Alarm"), set(), id="alarms moved"),
    ],
)
def test_losses_are_named_by_kind(primary: Synthesised, change: Callable[[Template], None], kinds: set[str]) -> None:
    """A change that would lose something names its kind; one that CloudFormation makes in place does not count."""
    found = compared(primary, change)
    assert {loss.kind for loss in found} == kinds
    assert len(found) == len(set(found))


def test_the_sentences_use_familiar_names(on_existing: Deployment, primary: Synthesised) -> None:
    """The sentences name AWS's ids and addresses, not CloudFormation's logical ids."""
    (mail,) = compared(primary, without("AWS::SNS::Subscription"))
    assert mail.sentence == (
        "the subscription of ops@example.com of SqliteVault-prod would no longer be part of the stack"
    )
    new = {"Ref": "SourceFileSystem"}
    found = compared(on_existing.primary, with_property("AWS::EFS::AccessPoint", "FileSystemId", new))
    assert {loss.sentence for loss in found} == {
        f"sqlitevault-test-{verb} of SqliteVault-prod would mount new SourceFileSystem:/devops-hub "
        f"instead of {EXISTING['file_system_id']}:/devops-hub"
        for verb in ("backup", "restore")
    }


def test_another_database_is_a_loss(primary: Synthesised) -> None:
    """Another database path in the functions' environment is a loss."""

    def change(template: Template) -> None:
        for function in of_type(template, "AWS::Lambda::Function").values():
            function["Properties"]["Environment"]["Variables"]["DATABASE_PATH"] = "/mnt/source/other.db"

    assert {loss.kind for loss in compared(primary, change)} == {"database"}


def test_shorter_retention_is_a_loss(primary: Synthesised) -> None:
    """Fewer days for a tier are a loss, because S3 would delete the older backups; more days are not."""

    def monthly(days: int) -> Callable[[Template], None]:
        def change(template: Template) -> None:
            for bucket in of_type(template, "AWS::S3::Bucket").values():
                for rule in bucket["Properties"].get("LifecycleConfiguration", {}).get("Rules", []):
                    if rule.get("Prefix") == "backups/monthly/":
                        rule["ExpirationInDays"] = days

        return change

    (loss,) = compared(primary, monthly(365), before=monthly(3650))
    assert loss.kind == "retention"
    assert loss.sentence.endswith("of SqliteVault-prod would delete backups/monthly/ after 365 days instead of 3650")
    assert compared(primary, monthly(3650), before=monthly(365)) == []


def test_another_replica_is_a_loss(primary: Synthesised) -> None:
    """Another destination of the replication, as with another `dr_region`, is a loss."""

    def change(template: Template) -> None:
        for bucket in of_type(template, "AWS::S3::Bucket").values():
            for rule in bucket["Properties"].get("ReplicationConfiguration", {}).get("Rules", []):
                rule["Destination"]["Bucket"] = "arn:aws:s3:::elsewhere"

    (loss,) = compared(primary, change)
    assert loss.kind == "bucket"
    assert "would be replicated to arn:aws:s3:::elsewhere instead of arn:aws:s3:::sqlitevault-prod-" in loss.sentence
