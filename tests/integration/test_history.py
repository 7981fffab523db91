"""History of a bucket: backups, drills, and the replica's lag from all versions of the monitor's report."""

from datetime import timedelta

import pytest

from localaws import EmbeddedAws
from sqlitevault.watch.history import History, history
from tests.integration.ready_world import ReadyWorld, make_ready

pytestmark = pytest.mark.xdist_group("aws")


@pytest.fixture(scope="module")
def world(aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> ReadyWorld:
    """A ready world with one more backup that was not replicated."""
    made = make_ready(aws, tmp_path_factory.mktemp("history"))
    aws.control.replication("hold")
    made.back_up(timedelta(minutes=2))
    made.now += timedelta(minutes=15)
    made.monitor()
    aws.control.replication("run")
    return made


def _history(world: ReadyWorld, *, days: int = 7, later: timedelta = timedelta()) -> History:
    return history(world.site(later=later), days)


def test_the_lag_of_every_report(world: ReadyWorld) -> None:
    """Each version of the monitor's report gives one lag: first none, 15 minutes later that of the missing backup."""
    lags = _history(world).replica_lag
    assert [lag.seconds for lag in lags] == [0.0, 180.0]
    assert lags[1].at - lags[0].at == timedelta(minutes=15)


def test_the_gaps_between_proven_backups(world: ReadyWorld) -> None:
    """The gaps are the time between two proven backups, and the age of the newest."""
    assert [gap.seconds for gap in _history(world).gaps] == [180.0, 17 * 60]


def test_older_entries_are_omitted(world: ReadyWorld) -> None:
    """Backups and reports before the requested days are omitted; the age of the newest backup still grows."""
    past = _history(world, days=1, later=timedelta(days=2))
    assert (past.backups, past.replica_lag) == ((), ())
    assert [gap.seconds for gap in past.gaps] == [2 * 86400 + 17 * 60]
