"""Vault and replica: their protection, and replication between them."""

from typing import Any

import pytest

from sqlitevault.ground.settings import Settings
from sqlitevault.site import Site
from tests.synthesis import Deployment, Properties, Rights, Synthesised, text

TIERS = {"hourly": 30, "daily": 30, "weekly": 90, "monthly": 365, "manual": 30}


@pytest.fixture(scope="session", params=["primary", "recovery"])
def stack(request: pytest.FixtureRequest, deployment: Deployment) -> Synthesised:
    """Each of the two stacks, which both hold one bucket for backups."""
    found: Synthesised = getattr(deployment, request.param)
    return found


@pytest.fixture(scope="session")
def bucket(stack: Synthesised) -> Properties:
    """The bucket for backups."""
    return stack.bucket()[1]


def test_every_version_is_kept_and_locked(bucket: Properties) -> None:
    """Backups cannot be deleted or overwritten for seven days, except with a special permission."""
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 7}},
    }


def test_buckets_and_keys_survive_the_stack(stack: Synthesised) -> None:
    """Deleting a stack deletes no backup, and not the key to read it; a failed first try leaves none."""
    guarded = [stack.bucket()[0], _key_of(stack)]
    for name in guarded:
        assert stack.resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert stack.resources[name]["UpdateReplacePolicy"] == "Retain"


def test_a_key_of_its_own_that_rotates(stack: Synthesised, bucket: Properties) -> None:
    """Encrypted with the customer's key, which the alias names that the other region knows."""
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True
    key = _key_of(stack)
    assert stack.all("AWS::KMS::Key")[key]["EnableKeyRotation"] is True
    alias = stack.one("AWS::KMS::Alias")
    assert alias["AliasName"] == "alias/sqlitevault-prod"
    assert alias["TargetKeyId"] == {"Fn::GetAtt": [key, "Arn"]}


def test_no_public_access_and_no_plain_text(stack: Synthesised) -> None:
    """For every bucket, the access logs' as well."""
    policies = {text(policy["Bucket"]): policy for policy in stack.all("AWS::S3::BucketPolicy").values()}
    buckets = stack.all("AWS::S3::Bucket")
    assert len(buckets) == 2
    for name, made in buckets.items():
        assert set(made["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(made["PublicAccessBlockConfiguration"]) == 4
        denials = [s for s in policies[f"<{name}>"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        plain = next(s for s in denials if s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}})
        assert (plain["Action"], plain["Principal"]) == ("s3:*", {"AWS": "*"})
        assert {text(resource) for resource in plain["Resource"]} == {f"<{name}.Arn>", f"<{name}.Arn>/*"}


def test_old_tls_is_refused(stack: Synthesised) -> None:
    """TLS 1.2 at the least on the bucket for backups."""
    name = stack.bucket()[0]
    policy = next(p for p in stack.all("AWS::S3::BucketPolicy").values() if p["Bucket"] == {"Ref": name})
    conditions = [statement["Condition"] for statement in policy["PolicyDocument"]["Statement"]]
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_accesses_are_logged(stack: Synthesised, bucket: Properties) -> None:
    """To the other bucket, whose policy allows S3 to write only for this bucket."""
    log = bucket["LoggingConfiguration"]["DestinationBucketName"]["Ref"]
    policy = next(p for p in stack.all("AWS::S3::BucketPolicy").values() if p["Bucket"] == {"Ref": log})
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert [s["Principal"] for s in allowed] == [{"Service": "logging.s3.amazonaws.com"}]
    assert allowed[0]["Condition"]["ArnLike"]["aws:SourceArn"] == {"Fn::GetAtt": [stack.bucket()[0], "Arn"]}


def test_each_tier_expires_with_the_versions_behind(bucket: Properties) -> None:
    """Expiry without this would only add a delete marker, and keep and bill everything for ever."""
    rules = _rules(bucket)
    for tier, days in TIERS.items():
        rule = rules[f"backups/{tier}/"]
        assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", days)
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rules["backups/reports/"]["ExpirationInDays"] == max(TIERS.values())
    assert set(rules) == {*(f"backups/{tier}/" for tier in TIERS), "backups/reports/", "inbox/"}


def test_unfinished_uploads_and_orphaned_markers_go(bucket: Properties) -> None:
    """In the whole bucket: these rules have no filter."""
    housekeeping = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "Prefix" not in rule]
    assert {"DaysAfterInitiation": 1} in [rule.get("AbortIncompleteMultipartUpload") for rule in housekeeping]
    assert True in [rule.get("ExpiredObjectDeleteMarker") for rule in housekeeping]
    assert not any("Filter" in rule or "TagFilters" in rule for rule in housekeeping)


def test_arrivals_are_told_to_eventbridge(bucket: Properties) -> None:
    """Backups are drilled, and uploads taken in, because of these events."""
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_the_monitor_expects_what_is_deployed(primary: Synthesised) -> None:
    """Otherwise it would report drift from the first day, or never."""
    variables = primary.functions()["monitor"]["Environment"]["Variables"]
    settings = Settings.from_env({name: text(value) for name, value in variables.items()})
    expected = Site.of(settings).expected_protection
    assert expected is not None
    bucket = primary.bucket()[1]
    lock = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (expected.lock_mode, expected.lock_days) == (lock["Mode"], lock["Days"])
    deployed = {prefix: rule["ExpirationInDays"] for prefix, rule in _rules(bucket).items()}
    assert dict(expected.expiry_days).items() <= deployed.items()


def test_backups_are_copied_within_fifteen_minutes(primary: Synthesised, recovery: Synthesised) -> None:
    """With time control and its metrics, re-encrypted with the replica's key; deletions are not copied."""
    (rule,) = primary.bucket()[1]["ReplicationConfiguration"]["Rules"]
    assert (rule["Status"], rule["Filter"]) == ("Enabled", {"Prefix": "backups/"})
    assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}
    assert rule["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    destination = rule["Destination"]
    assert destination["ReplicationTime"] == {"Status": "Enabled", "Time": {"Minutes": 15}}
    assert destination["Metrics"] == {"Status": "Enabled", "EventThreshold": {"Minutes": 15}}
    assert text(destination["Bucket"]) == "arn:aws:s3:::" + text(recovery.bucket()[1]["BucketName"])
    alias = recovery.one("AWS::KMS::Alias")["AliasName"]
    key = text(destination["EncryptionConfiguration"]["ReplicaKmsKeyID"])
    assert key == f"arn:aws:kms:us-west-2:<AWS::AccountId>:{alias}"


def test_replication_may_do_what_it_needs_and_no_more(primary: Synthesised) -> None:
    """Reading locks is needed as soon as the source has Object Lock; deleting in the replica never is."""
    rights, vault, replica = _replication(primary)
    assert rights.pairs("Allow", "s3") == {
        ("s3:GetReplicationConfiguration", vault),
        ("s3:ListBucket", vault),
        ("s3:GetObjectVersionForReplication", f"{vault}/backups/*"),
        ("s3:GetObjectVersionAcl", f"{vault}/backups/*"),
        ("s3:GetObjectVersionTagging", f"{vault}/backups/*"),
        ("s3:GetObjectRetention", f"{vault}/backups/*"),
        ("s3:GetObjectLegalHold", f"{vault}/backups/*"),
        ("s3:ReplicateObject", f"{replica}/backups/*"),
        ("s3:ReplicateTags", f"{replica}/backups/*"),
    }
    assert rights.pairs("Allow", "kms") == {
        ("kms:Decrypt", f"<{_key_of(primary)}.Arn>"),
        ("kms:Encrypt", "arn:aws:kms:us-west-2:<AWS::AccountId>:key/*"),
        ("kms:GenerateDataKey", "arn:aws:kms:us-west-2:<AWS::AccountId>:key/*"),
    }
    assert {action.partition(":")[0] for action in rights.actions("Allow")} == {"s3", "kms"}


def test_replication_uses_keys_only_through_s3_and_by_alias(primary: Synthesised) -> None:
    """`key/*` holds for one key: the one with our alias."""
    rights, _, _ = _replication(primary)
    conditions = {
        "Decrypt" if s["Action"] == "kms:Decrypt" else "Encrypt": s["Condition"]
        for s in rights.statements
        if "kms:" in str(s["Action"])
    }
    assert conditions == {
        "Decrypt": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
        "Encrypt": {
            "StringEquals": {"kms:ViaService": "s3.us-west-2.amazonaws.com"},
            "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/sqlitevault-prod"},
        },
    }


def test_replication_starts_with_its_rights(primary: Synthesised) -> None:
    """Objects that arrive before the role may copy them would stay uncopied."""
    name, made = primary.bucket()
    role = made["ReplicationConfiguration"]["Role"]["Fn::GetAtt"][0]
    policies = [n for n, p in primary.all("AWS::IAM::Policy").items() if {"Ref": role} in p["Roles"]]
    assert set(policies) <= set(primary.resources[name]["DependsOn"])


def _replication(primary: Synthesised) -> tuple[Rights, str, str]:
    role = primary.bucket()[1]["ReplicationConfiguration"]["Role"]["Fn::GetAtt"][0]
    buckets = (f"arn:aws:s3:::sqlitevault-prod-<AWS::AccountId>-{region}" for region in ("us-east-1", "us-west-2"))
    return Rights(primary.statements(role)), *buckets  # type: ignore[return-value]


def _key_of(stack: Synthesised) -> str:
    (rule,) = stack.bucket()[1]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    name: str = rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]["Fn::GetAtt"][0]
    return name


def _rules(bucket: Properties) -> dict[str, dict[str, Any]]:
    return {rule["Prefix"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "Prefix" in rule}
