"""The buckets of vault and replica: their protection, and the replication between them."""

from typing import Any

import pytest

from sqlitevault.ground.settings import Settings
from sqlitevault.site import Site
from tests.synthesis import Deployment, Properties, Rights, Synthesised, text

TIERS = {"hourly": 30, "daily": 30, "weekly": 90, "monthly": 365, "manual": 30}


@pytest.fixture(scope="session", params=["primary", "recovery"])
def stack(request: pytest.FixtureRequest, deployment: Deployment) -> Synthesised:
    """Each of the two stacks, which have one bucket for backups each."""
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
    """Deleting a stack keeps its buckets and keys; a failed creation leaves none."""
    guarded = [stack.bucket()[0], _key_of(stack)]
    for name in guarded:
        assert stack.resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert stack.resources[name]["UpdateReplacePolicy"] == "Retain"


def test_the_bucket_has_its_own_rotating_key(stack: Synthesised, bucket: Properties) -> None:
    """The bucket is encrypted with its own rotating key, whose alias the other region knows."""
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True
    key = _key_of(stack)
    assert stack.all("AWS::KMS::Key")[key]["EnableKeyRotation"] is True
    alias = stack.one("AWS::KMS::Alias")
    assert alias["AliasName"] == "alias/sqlitevault-prod"
    assert alias["TargetKeyId"] == {"Fn::GetAtt": [key, "Arn"]}


def test_no_public_access_and_only_tls(stack: Synthesised) -> None:
    """Every bucket, including those for access logs, blocks public access and denies requests without TLS."""
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
    """The bucket for backups requires TLS 1.2."""
    name = stack.bucket()[0]
    policy = next(p for p in stack.all("AWS::S3::BucketPolicy").values() if p["Bucket"] == {"Ref": name})
    conditions = [statement["Condition"] for statement in policy["PolicyDocument"]["Statement"]]
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_accesses_are_logged(stack: Synthesised, bucket: Properties) -> None:
    """Accesses are logged to the other bucket, whose policy lets S3 write only for this bucket."""
    log = bucket["LoggingConfiguration"]["DestinationBucketName"]["Ref"]
    policy = next(p for p in stack.all("AWS::S3::BucketPolicy").values() if p["Bucket"] == {"Ref": log})
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert [s["Principal"] for s in allowed] == [{"Service": "logging.s3.amazonaws.com"}]
    assert allowed[0]["Condition"]["ArnLike"]["aws:SourceArn"] == {"Fn::GetAtt": [stack.bucket()[0], "Arn"]}


def test_each_tier_expires_with_its_old_versions(bucket: Properties) -> None:
    """Each tier expires, and its noncurrent versions 30 days later; expiry of a version only adds a delete marker."""
    rules = _rules(bucket)
    for tier, days in TIERS.items():
        rule = rules[f"backups/{tier}/"]
        assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", days)
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rules["backups/reports/"]["ExpirationInDays"] == max(TIERS.values())
    assert set(rules) == {*(f"backups/{tier}/" for tier in TIERS), "backups/reports/", "inbox/"}


def test_unfinished_uploads_and_orphaned_markers_are_removed(bucket: Properties) -> None:
    """In the whole bucket, rules without a filter remove unfinished uploads and orphaned delete markers."""
    housekeeping = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "Prefix" not in rule]
    assert {"DaysAfterInitiation": 1} in [rule.get("AbortIncompleteMultipartUpload") for rule in housekeeping]
    assert True in [rule.get("ExpiredObjectDeleteMarker") for rule in housekeeping]
    assert not any("Filter" in rule or "TagFilters" in rule for rule in housekeeping)


def test_the_bucket_sends_events_to_eventbridge(bucket: Properties) -> None:
    """The bucket sends its events to EventBridge; they start drills and the ingest of uploads."""
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_the_monitor_expects_the_deployed_protection(primary: Synthesised) -> None:
    """The monitor compares the vault with the lock and expiry that are deployed."""
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
    """Backups are replicated with time control and metrics, encrypted with the replica's key; deletions are not."""
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
    """Replication has exactly the permissions that it needs: reading locks is among them, deleting is not."""
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
    """Although the policy says `key/*`, replication can use only the key with our alias, and only through S3."""
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


def test_replication_starts_after_its_permissions(primary: Synthesised) -> None:
    """The bucket depends on the role's policies, because objects that arrive before them would never be copied."""
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
