"""Both stacks, synthesised once and shared by the tests."""

from pathlib import Path

import pytest

from tests.synthesis import Deployment, Synthesised, synthesise

EXISTING = {
    "file_system_id": "fs-0a1b2c3d",
    "security_group_id": "sg-0a1b2c3d",
    "vpc_id": "vpc-0a1b2c3d",
    "subnet_ids": "subnet-1,subnet-2",
    "availability_zones": "us-east-1a,us-east-1b",
    "route_table_ids": "rtb-1,rtb-2",
}


@pytest.hookimpl(tryfirst=True)  # must run before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep everything that needs CDK in one process, because each process starts its own Node and synthesises again."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("infra"))


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The deployment with all defaults."""
    return synthesise(tmp_path_factory.mktemp("cdk"), alarm_email="ops@example.com")


@pytest.fixture(scope="session")
def primary(deployment: Deployment) -> Synthesised:
    """The primary region's stack."""
    return deployment.primary


@pytest.fixture(scope="session")
def recovery(deployment: Deployment) -> Synthesised:
    """The recovery region's stack."""
    return deployment.recovery


@pytest.fixture(scope="session")
def on_existing(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The stacks on the application's own file system, with values other than the defaults."""
    folder: Path = tmp_path_factory.mktemp("cdk-existing")
    chosen = {"stage": "test", "region": "eu-central-1", "dr_region": "eu-west-1"}
    zones = "eu-central-1a, eu-central-1b"
    return synthesise(
        folder, **{**EXISTING, "availability_zones": zones}, **chosen, architecture="x86_64", hourly_minutes="5,35"
    )
