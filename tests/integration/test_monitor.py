"""The monitor's findings on a vault and its replica, in an embedded AWS."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from localaws import EmbeddedAws
from sqlitevault.catalog.names import drill_report_name
from sqlitevault.watch.monitor import MonitorReport, monitor
from tests.integration.ready_world import ReadyWorld, make_ready

pytestmark = pytest.mark.xdist_group("aws")


@pytest.fixture
def world(aws: EmbeddedAws, tmp_path: Path) -> Iterator[ReadyWorld]:
    """A vault and a replica with one proven backup, copied."""
    yield make_ready(aws, tmp_path)
    aws.control.replication("run")
    aws.control.settle()


def look(world: ReadyWorld, *, later: timedelta = timedelta()) -> MonitorReport:
    """Run the monitor as of `later`."""
    return monitor(world.site(later=later))


def test_a_month_without_a_drill_from_the_replica(world: ReadyWorld) -> None:
    """The age is that of the last passed drill from the replica, or of the oldest copy if there was none."""
    assert look(world).replica_drill_age_seconds == 0
    late = look(world, later=timedelta(days=32))
    assert "no drill from the replica has passed for more than a month" in late.problems
    world.drill(world.vault, world.backup_id)
    world.aws.control.settle()
    assert look(world).replica_drill_age_seconds == 0  # a drill from the vault does not count for the replica
    world.replica.delete(drill_report_name(world.backup_id, from_replica=True))
    assert look(world).replica_drill_age_seconds == 300
    world.replica.delete(world.manifest)
    assert look(world).replica_drill_age_seconds is None


def test_a_failed_copy_is_reported_until_it_exists(world: ReadyWorld) -> None:
    """A failed copy is reported at any age, until it is copied by hand, although S3's status stays FAILED."""
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


def test_a_pending_copy_is_a_problem_after_15_minutes(world: ReadyWorld) -> None:
    """A pending copy is a problem only after 15 minutes; before that the report only gives its age."""
    world.aws.control.replication("hold")
    world.back_up(timedelta(minutes=1))
    report = look(world)
    assert {left.status for left in report.unreplicated} == {"PENDING"}
    assert not any("has no copy" in problem for problem in report.problems)
    late = look(world, later=timedelta(minutes=20))
    assert len([problem for problem in late.problems if problem.endswith("has no copy in the replica: PENDING")]) == 2
    assert late.replication_pending_seconds > 900
