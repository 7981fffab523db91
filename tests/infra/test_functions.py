"""The functions: code, environment, permissions and limits."""

import pytest

from sqlitevault.ground.settings import Settings
from tests.synthesis import Deployment, Properties, Synthesised, text

ON_THE_FILE_SYSTEM = {"backup", "restore"}
FUNCTIONS = {"primary": {"backup", "ingest", "restore", "drill", "monitor"}, "recovery": {"restore", "drill"}}
CASES = [pytest.param(stack, verb, id=f"{stack} {verb}") for stack in FUNCTIONS for verb in sorted(FUNCTIONS[stack])]
VAULT, REPLICA = (f"s3://sqlitevault-prod-<AWS::AccountId>-{region}/backups/" for region in ("us-east-1", "us-west-2"))


@pytest.fixture
def stack(request: pytest.FixtureRequest, deployment: Deployment) -> Synthesised:
    """The stack that a case names."""
    found: Synthesised = getattr(deployment, request.param)
    return found


def test_each_region_has_its_functions(deployment: Deployment) -> None:
    """The primary region has all five functions, the recovery region restore and drill."""
    for name, verbs in FUNCTIONS.items():
        assert set(getattr(deployment, name).functions()) == verbs


@pytest.mark.parametrize(("stack", "verb"), CASES, indirect=["stack"])
def test_a_function_runs_its_handler_on_arm(stack: Synthesised, verb: str) -> None:
    """A function has the expected handler, runtime, architecture, scratch space, memory and time limit."""
    function = stack.functions()[verb]
    assert text(function["FunctionName"]) == f"sqlitevault-prod-{verb}"
    assert function["Handler"] == f"{verb}.handler.handler"
    assert (function["Runtime"], function["Architectures"]) == ("python3.14", ["arm64"])
    assert (function["MemorySize"], function["Timeout"]) == (1769, 900)
    assert function["EphemeralStorage"] == {"Size": 4096}
    assert "ReservedConcurrentExecutions" not in function


@pytest.mark.parametrize(("stack", "verb"), CASES, indirect=["stack"])
def test_a_function_logs_json_for_three_months(stack: Synthesised, verb: str) -> None:
    """A function logs JSON to its own group, the only one that it may write to, kept for 90 days."""
    logging = stack.functions()[verb]["LoggingConfig"]
    assert logging["LogFormat"] == "JSON"
    group = logging["LogGroup"]["Ref"]
    assert stack.all("AWS::Logs::LogGroup")[group]["RetentionInDays"] == 90
    assert {resource for _, resource in stack.rights(verb).pairs("Allow", "logs")} == {f"<{group}.Arn>:*"}


@pytest.mark.parametrize(("stack", "verb"), CASES, indirect=["stack"])
def test_only_functions_that_need_the_database_are_in_the_network(stack: Synthesised, verb: str) -> None:
    """Only backup and restore are in the VPC, with the file system mounted through the access point."""
    function = stack.functions()[verb]
    assert ("VpcConfig" in function) == (verb in ON_THE_FILE_SYSTEM)
    mounts = [(text(mount["Arn"]), mount["LocalMountPath"]) for mount in function.get("FileSystemConfigs", [])]
    (point,) = stack.all("AWS::EFS::AccessPoint")
    region = "us-east-1" if "backup" in stack.functions() else "us-west-2"
    arn = f"arn:aws:elasticfilesystem:{region}:<AWS::AccountId>:access-point/<{point}>"
    assert mounts == ([(arn, "/mnt/source")] if verb in ON_THE_FILE_SYSTEM else [])


@pytest.mark.parametrize(("stack", "verb"), CASES, indirect=["stack"])
def test_failed_events_are_kept(stack: Synthesised, verb: str) -> None:
    """After two retries a failed event goes to the queue, which the function may write to."""
    invoked = {text(made["FunctionName"]): made for made in stack.all("AWS::Lambda::EventInvokeConfig").values()}
    config = invoked[f"<{stack.function_id(verb)}>"]
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 1800)
    queue = config["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
    assert stack.all("AWS::SQS::Queue")[queue] == {"MessageRetentionPeriod": 14 * 86400, "SqsManagedSseEnabled": True}
    assert ("sqs:SendMessage", f"<{queue}.Arn>") in stack.rights(verb).pairs("Allow", "sqs")


@pytest.mark.parametrize(("stack", "verb"), CASES, indirect=["stack"])
def test_a_function_is_created_after_its_permissions(stack: Synthesised, verb: str) -> None:
    """A function depends on its role's policies: Lambda refuses a VPC or a mount that the role may not use yet."""
    function = stack.function_id(verb)
    role = stack.functions()[verb]["Role"]["Fn::GetAtt"][0]
    policies = {n for n, policy in stack.all("AWS::IAM::Policy").items() if {"Ref": role} in policy["Roles"]}
    assert len(policies) == 2
    assert policies <= set(stack.resources[function]["DependsOn"])


@pytest.mark.parametrize(("stack", "verb"), CASES, indirect=["stack"])
def test_no_function_may_delete_or_lift_a_lock(stack: Synthesised, verb: str) -> None:
    """No function may delete backups or change locks, and no permission has a wildcard in its actions."""
    for action in stack.rights(verb).actions("Allow"):
        assert "*" not in action
        assert not action.startswith(("s3:Delete", "s3:Bypass", "s3:PutBucket", "s3:PutLifecycle", "s3:PutObjectRet"))


def test_backup_must_not_write_the_database(primary: Synthesised) -> None:
    """Writing the database is denied to backup, so that no policy attached later can allow it."""
    rights = primary.rights("backup")
    (file_system,) = primary.all("AWS::EFS::FileSystem")
    assert rights.actions("Allow", "elasticfilesystem:") == {"elasticfilesystem:ClientMount"}
    assert rights.pairs("Deny", "elasticfilesystem") == {
        ("elasticfilesystem:ClientWrite", f"<{file_system}.Arn>"),
        ("elasticfilesystem:ClientRootAccess", f"<{file_system}.Arn>"),
    }


@pytest.mark.parametrize("stack", ["primary", "recovery"], indirect=True)
def test_restore_may_write_the_file_system_but_not_as_root(stack: Synthesised) -> None:
    """Restore may write through the access point, as its user, but not as root."""
    rights = stack.rights("restore")
    assert rights.actions("Allow", "elasticfilesystem:") == {
        "elasticfilesystem:ClientMount",
        "elasticfilesystem:ClientWrite",
    }
    assert rights.actions("Deny") == {"elasticfilesystem:ClientRootAccess"}
    (point,) = stack.all("AWS::EFS::AccessPoint")
    mounting = next(s for s in rights.statements if "elasticfilesystem:ClientMount" in s["Action"])
    assert text(mounting["Condition"]["StringEquals"]["elasticfilesystem:AccessPointArn"]).endswith(f"/<{point}>")


@pytest.mark.parametrize(
    ("stack", "verb", "written"),
    [
        pytest.param("primary", "backup", {"backups/*"}, id="backup"),
        pytest.param("primary", "ingest", {"backups/*"}, id="ingest"),
        pytest.param("primary", "restore", set(), id="restore"),
        pytest.param("primary", "drill", {"backups/reports/*"}, id="drill"),
        pytest.param("primary", "monitor", {"backups/reports/*"}, id="monitor"),
        pytest.param("recovery", "restore", set(), id="restore in the recovery region"),
        pytest.param("recovery", "drill", {"backups/reports/*"}, id="drill in the recovery region"),
    ],
    indirect=["stack"],
)
def test_a_function_writes_only_its_own_objects(stack: Synthesised, verb: str, written: set[str]) -> None:
    """Only backup and ingest can write backups; drill and monitor can only write reports."""
    bucket = f"<{stack.bucket()[0]}.Arn>"
    rights = stack.rights(verb).pairs("Allow", "s3")
    assert {resource for action, resource in rights if action == "s3:PutObject"} == {
        f"{bucket}/{prefix}" for prefix in written
    }
    assert ("s3:GetObject", f"{bucket}/backups/*") in rights
    assert ("s3:ListBucket", bucket) in rights


def test_only_ingest_reads_uploads_and_only_drill_and_monitor_the_replica(primary: Synthesised) -> None:
    """Outside the vault, only ingest may read uploads, and only drill and monitor may read the replica."""
    bucket = f"<{primary.bucket()[0]}.Arn>"
    readers = {
        verb for verb in primary.functions()
        if ("s3:GetObjectVersion", f"{bucket}/inbox/*") in primary.rights(verb).pairs("Allow", "s3")
    }  # fmt: skip
    assert readers == {"ingest"}
    replica = "arn:aws:s3:::sqlitevault-prod-<AWS::AccountId>-us-west-2"
    across = {
        verb for verb in primary.functions()
        if ("s3:ListBucket", replica) in primary.rights(verb).pairs("Allow", "s3")
    }  # fmt: skip
    assert across == {"drill", "monitor"}
    assert ("s3:GetObject", f"{replica}/backups/*") in primary.rights("monitor").pairs("Allow", "s3")
    decrypting = [s for s in primary.rights("monitor").statements if "us-west-2" in text(s["Resource"])]
    assert {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/sqlitevault-prod"}} in [
        s.get("Condition") for s in decrypting
    ]


@pytest.mark.parametrize(("stack", "verb"), CASES, indirect=["stack"])
def test_the_environment_is_the_settings(stack: Synthesised, verb: str) -> None:
    """The environment is exactly what `Settings` writes, and is read back as the same settings."""
    own = VAULT if "backup" in stack.functions() else REPLICA
    expected = Settings.from_env(
        {},
        database_path="/mnt/source/data/devops_hub.db",
        config_root="/mnt/source",
        vault=own,
        replica=REPLICA,
        scratch="/tmp",
        rpo_seconds=3600,
        rto_seconds=900,
        max_writer_stall_seconds=4.0,
        snapshot_timeout_seconds=360.0,
        lock_days=7,
        tier_days="hourly=30,daily=30,weekly=90,monthly=365,manual=30",
    )
    variables = _environment(stack.functions()[verb])
    assert variables == expected.to_environment() | {
        "POWERTOOLS_METRICS_NAMESPACE": "SqliteVault",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_SERVICE_NAME": f"sqlitevault-{verb}",
    }
    assert Settings.from_env(variables) == expected


def test_other_values_reach_the_functions(on_existing: Deployment) -> None:
    """Stage, regions and architecture of the settings reach the functions."""
    function = on_existing.primary.functions()["backup"]
    assert function["Architectures"] == ["x86_64"]
    settings = Settings.from_env(_environment(function))
    assert settings.vault == "s3://sqlitevault-test-<AWS::AccountId>-eu-central-1/backups/"
    assert settings.replica == "s3://sqlitevault-test-<AWS::AccountId>-eu-west-1/backups/"


def _environment(function: Properties) -> dict[str, str]:
    return {name: text(value) for name, value in function["Environment"]["Variables"].items()}
