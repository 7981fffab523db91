"""An embedded AWS with the test stack, shared by the tests of this folder."""

from collections.abc import Iterator

import pytest

from localaws import EmbeddedAws
from tests.integration.localaws.asking import create, messages, reasons
from tests.localaws_stack import DR, PRIMARY, replica_template, template


@pytest.fixture(scope="session")
def aws() -> Iterator[EmbeddedAws]:
    """An embedded AWS with the test stack."""
    with EmbeddedAws() as started:
        for region, name, body in ((DR, "replica", replica_template()), (PRIMARY, "primary", template())):
            stack = create(started, region, name, body)
            assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(started, region, name)
        yield started


@pytest.fixture
def at_rest(aws: EmbeddedAws) -> Iterator[None]:
    """Before and after each test: replication running, all regions on, no background work, empty queues."""
    yield
    aws.control.switch_off([])
    aws.control.replication("run")
    aws.control.settle()
    for queue in ("dlq", "alarms"):
        messages(aws, queue)
