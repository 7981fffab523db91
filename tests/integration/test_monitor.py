"""What the monitor makes of a vault and its replica, in an embedded AWS."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from localaws import EmbeddedAws
from sqlitevault.catalog.names import drill_report_name
from sqlitevault.watch.monitor import MonitorReport, monitor
from tests.integration.ready_world import ReadyWorld, make_ready

pytestmark = pytest.mark.xdist_group("aws")


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    """An embedded AWS for all worlds of this module."""
    with EmbeddedAws() as started:
        yield started


@pytest.fixture
def world(aws: EmbeddedAws, tmp_path: Path) -> Iterator[ReadyWorld]:
    """A vault and a replica with one proven backup, copied."""
    yield make_ready(aws, tmp_path)
    aws.control.replication("run")
    aws.control.settle()


def look(world: ReadyWorld, *, later: timedelta = timedelta()) -> MonitorReport:
    """Let the monitor look as it would `later`."""
    return monitor(world.site(later=later))


def test_a_month_without_a_drill_from_the_replica(world: ReadyWorld) -> None:
    """Its age is that of the last one that passed there; without any it is that of the oldest copy."""
    assert look(world).replica_drill_age_seconds == 0
    late = look(world, later=timedelta(days=32))
    assert "no drill from the replica has passed for more than a month" in late.problems
    world.drill(world.vault, world.backup_id)
    world.aws.control.settle()
    assert look(world).replica_drill_age_seconds == 0  # a drill from the vault says nothing of the replica
    world.replica.delete(drill_report_name(world.backup_id, from_replica=True))
    assert look(world).replica_drill_age_seconds == 300
    world.replica.delete(world.manifest)
    assert look(world).replica_drill_age_seconds is None


def test_a_copy_that_failed_is_missed_until_it_is_there(world: ReadyWorld) -> None:
    """However long ago it failed; copied by hand it is no longer missing, though S3 goes on saying FAILED."""
    world.aws.control.replication("fail")
    world.back_up(timedelta(minutes=1))
    for later in (timedelta(), timedelta(days=20)):
        report = look(world, later=later)
        assert {left.status for left in report.unreplicated} == {"FAILED"}
        assert report.replication_failed == 2
    for left in report.unreplicated:
        world.replica.replace(left.name, world.vault.read(left.name, limit=1 << 20))
    assert world.vault.replication_status(left.name) == "FAILED"
    assert look(world).unreplicated == ()


def test_what_was_just_uploaded_is_no_problem(world: ReadyWorld) -> None:
    """Its copy has 15 minutes to arrive: until then the report tells its age, and nothing is wrong."""
    world.aws.control.replication("hold")
    world.back_up(timedelta(minutes=1))
    report = look(world)
    assert {left.status for left in report.unreplicated} == {"PENDING"}
    assert not any("has no copy" in problem for problem in report.problems)
    late = look(world, later=timedelta(minutes=20))
    assert len([problem for problem in late.problems if problem.endswith("has no copy in the replica: PENDING")]) == 2
    assert late.replication_pending_seconds > 900
