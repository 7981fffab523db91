"""The network, whose only exit is S3 and which costs nothing when idle, and the file system."""

from pathlib import Path

import pytest

from tests.infra.conftest import EXISTING
from tests.synthesis import Deployment, Synthesised, synthesise, text

STACKS = ["primary", "recovery"]


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest, deployment: Deployment) -> Synthesised:
    """Each of the two stacks."""
    found: Synthesised = getattr(deployment, request.param)
    return found


def test_the_only_way_out_is_s3(stack: Synthesised) -> None:
    """Every route table has the S3 gateway endpoint; there are no gateways, interface endpoints or addresses."""
    endpoint = stack.one("AWS::EC2::VPCEndpoint")
    assert (endpoint["VpcEndpointType"], text(endpoint["ServiceName"])) == ("Gateway", "com.amazonaws.<AWS::Region>.s3")
    assert {text(table) for table in endpoint["RouteTableIds"]} == {
        f"<{name}>" for name in stack.all("AWS::EC2::RouteTable")
    }
    for kind in ("NatGateway", "InternetGateway", "VPCGatewayAttachment", "EIP", "Route", "TransitGatewayAttachment"):
        assert stack.all(f"AWS::EC2::{kind}") == {}


def test_functions_run_in_every_subnet_and_reach_the_mount_targets(stack: Synthesised) -> None:
    """Functions run in two zones with a mount target each; the file system admits only their groups, only on NFS."""
    subnets = {f"<{name}>" for name in stack.all("AWS::EC2::Subnet")}
    assert len(subnets) == 2
    assert {text(target["SubnetId"]) for target in stack.all("AWS::EFS::MountTarget").values()} == subnets
    inside = [function["VpcConfig"] for function in stack.functions().values() if "VpcConfig" in function]
    for config in inside:
        assert {text(subnet) for subnet in config["SubnetIds"]} == subnets
    admitted = stack.all("AWS::EC2::SecurityGroupIngress").values()
    assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in admitted} == {("tcp", 2049, 2049)}
    groups = {text(config["SecurityGroupIds"][0]) for config in inside}
    assert {text(rule["SourceSecurityGroupId"]) for rule in admitted} == groups
    assert not any("SecurityGroupIngress" in group for group in stack.all("AWS::EC2::SecurityGroup").values())


def test_the_file_system_is_encrypted_and_not_anonymous(stack: Synthesised) -> None:
    """The file system can only be mounted with IAM and TLS, and is kept when the stack is deleted."""
    (name,) = stack.all("AWS::EFS::FileSystem")
    made = stack.one("AWS::EFS::FileSystem")
    assert (made["Encrypted"], made["ThroughputMode"]) == (True, "elastic")
    allowed = [a for s in made["FileSystemPolicy"]["Statement"] if s["Effect"] == "Allow" for a in s["Action"]]
    assert "elasticfilesystem:ClientMount" not in allowed
    assert stack.resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    (denied,) = [s for s in made["FileSystemPolicy"]["Statement"] if s["Effect"] == "Deny"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_access_point_is_the_applications_user_and_folder(stack: Synthesised) -> None:
    """The access point uses the application's user and folder, so that it can read restored files."""
    point = stack.one("AWS::EFS::AccessPoint")
    assert point["PosixUser"] == {"Uid": "1000", "Gid": "1000"}
    assert point["RootDirectory"]["Path"] == "/devops-hub"


def test_an_existing_file_system_is_used_as_it_is(on_existing: Deployment) -> None:
    """With an existing file system, no VPC, subnet or file system is created; access point and functions use these."""
    primary = on_existing.primary
    for kind in ("EC2::VPC", "EC2::Subnet", "EC2::RouteTable", "EFS::FileSystem", "EFS::MountTarget"):
        assert primary.all(f"AWS::{kind}") == {}
    assert primary.one("AWS::EFS::AccessPoint")["FileSystemId"] == EXISTING["file_system_id"]
    for verb in ("backup", "restore"):
        assert primary.functions()[verb]["VpcConfig"]["SubnetIds"] == ["subnet-1", "subnet-2"]
        mounted = {text(resource) for _, resource in primary.rights(verb).pairs("Allow", "elasticfilesystem")}
        assert [arn.rpartition("/")[2] for arn in mounted] == [EXISTING["file_system_id"]]
    endpoint = primary.one("AWS::EC2::VPCEndpoint")
    assert (endpoint["VpcId"], endpoint["RouteTableIds"]) == (EXISTING["vpc_id"], ["rtb-1", "rtb-2"])
    admitted = primary.all("AWS::EC2::SecurityGroupIngress").values()
    assert {rule["GroupId"] for rule in admitted} == {EXISTING["security_group_id"]}


def test_an_existing_file_system_changes_nothing_in_the_recovery_region(on_existing: Deployment) -> None:
    """The recovery region gets its own file system, because the application's is lost with its region."""
    assert len(on_existing.recovery.all("AWS::EFS::FileSystem")) == 1
    assert len(on_existing.recovery.all("AWS::EC2::VPC")) == 1


def test_subnets_with_an_s3_endpoint_do_not_get_another(tmp_path: Path) -> None:
    """Without route tables no S3 gateway endpoint is created, because AWS refuses a second one in a table."""
    chosen = {name: value for name, value in EXISTING.items() if name != "route_table_ids"}
    assert synthesise(tmp_path, **chosen).primary.all("AWS::EC2::VPCEndpoint") == {}
