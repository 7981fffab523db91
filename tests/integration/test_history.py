"""History in a bucket: the replica's lag is read from every monitor report that the bucket still has."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from localaws import EmbeddedAws
from sqlitevault.watch.history import History, history
from tests.integration.ready_world import ReadyWorld, make_ready

pytestmark = pytest.mark.xdist_group("aws")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadyWorld]:
    """A ready world whose replication then stopped for one backup."""
    with EmbeddedAws() as aws:
        made = make_ready(aws, tmp_path_factory.mktemp("history"))
        aws.control.replication("hold")
        made.back_up(timedelta(minutes=2))
        made.now += timedelta(minutes=15)
        made.monitor()
        yield made


def _history(world: ReadyWorld, *, days: int = 7, later: timedelta = timedelta()) -> History:
    return history(world.site(later=later), days)


def test_the_lag_of_every_report(world: ReadyWorld) -> None:
    """At first the replica had all; a quarter of an hour later it lacked a backup of three minutes after."""
    lags = _history(world).replica_lag
    assert [lag.seconds for lag in lags] == [0.0, 180.0]
    assert lags[1].at - lags[0].at == timedelta(minutes=15)


def test_the_gaps_between_proven_backups(world: ReadyWorld) -> None:
    """Three minutes until the next came; its age until now."""
    assert [gap.seconds for gap in _history(world).gaps] == [180.0, 17 * 60]


def test_what_is_too_long_ago_is_left_out(world: ReadyWorld) -> None:
    """Two days later, one day back: no backup, no report; the age goes on to grow."""
    past = _history(world, days=1, later=timedelta(days=2))
    assert (past.backups, past.replica_lag) == ((), ())
    assert [gap.seconds for gap in past.gaps] == [2 * 86400 + 17 * 60]
