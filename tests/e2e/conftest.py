"""One real deployment in an embedded AWS, shared by all end-to-end tests, which run one after another."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.demo.world import PRIMARY, RECOVERY, STAGE, World
from localaws.deploy import Cdk, deploy
from localaws.embedded import EmbeddedAws
from localaws.sample import make_sample_database


@pytest.hookimpl(tryfirst=True)  # must run before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep everything that needs the deployment in one process."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("demo" if item.path.name == "test_demo.py" else "e2e"))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The whole app, deployed by the real CDK, with a small database and its configuration on its file system."""
    folder = tmp_path_factory.mktemp("e2e")
    database = make_sample_database(folder / "efs" / "data" / "devops_hub.db", megabytes=1)
    (folder / "efs" / "docker-compose.yml").write_text("services:\n  hub:\n    image: hub:1\n", encoding="utf-8")
    (folder / "efs" / ".env").write_text("HUB_TOKEN=not-for-any-archive\n", encoding="utf-8")
    with EmbeddedAws(folder / "aws", file_systems={PRIMARY: folder / "efs"}) as aws:
        cdk = Cdk(aws.endpoint, folder / "cdk", context={"stage": STAGE, "function_platform": "host"})
        yield World(aws, deploy(cdk, [PRIMARY, RECOVERY], aws.client), database)


@pytest.fixture
def quiet(world: World) -> Iterator[World]:
    """The world without background work, with all regions and replication on, before and after each test."""
    world.aws.control.settle()
    yield world
    world.aws.control.switch_off([])
    world.aws.control.replication("run")
    world.aws.control.settle()
