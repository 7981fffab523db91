"""The runbooks for Kubernetes and for a lost region, followed command by command with the deployed functions.

Only `docker` and `kubectl` are replaced: stand-ins stop and start a process that simulates the application on the
functions' file system (tests/runbooks/orchestrator.py).
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.clients import access_environment
from localaws.demo.world import PRIMARY, STAGE, World
from sqlitevault.catalog.manifest import Manifest
from sqlitevault.database.content import read_tables
from tests.runbooks.disasters import change, copy_of, corrupt, moment_after
from tests.runbooks.pages import COMPOSE, KUBERNETES, Followed
from tests.runbooks.place import Place, make_place

SETTLE = 120.0
DOWN = "kubectl scale deploy/devops-hub --replicas=0"
UP = "kubectl scale deploy/devops-hub --replicas=1"


@pytest.fixture
def cluster(quiet: World, tmp_path: Path) -> Iterator[Place]:
    """A cluster whose application runs on the deployed file system, and a checkout of the repository."""
    settings = access_environment(quiet.aws.endpoint, PRIMARY) | {"STAGE": STAGE}
    root = quiet.database.parent.parent
    (root / "k8s").mkdir()
    (root / "k8s" / "deployment.yaml").write_text("kind: Deployment\nmetadata:\n  name: devops-hub\n")
    (root / "k8s" / "secret.yaml").write_text("kind: Secret\nstringData:\n  token: not-for-any-archive\n")
    place = make_place(tmp_path / "checkout", quiet.database, settings)
    place.start()
    yield place
    place.stop()
    shutil.rmtree(root / "k8s")
    for kept in quiet.database.parent.glob("*.pre_restore_*"):
        kept.unlink()


def back_up(world: World) -> Manifest:
    """Take a full backup as the schedules do, and wait until it has been drilled and replicated."""
    time.sleep(1.1)
    answer = world.invoke("backup", {"tier": "manual", "scope": "all"})
    assert answer.error is None, answer.report
    world.aws.control.settle(SETTLE)
    return Manifest.model_validate(answer.report["manifest"])


def follow(place: Place, page: str, variant: str = KUBERNETES, **yours: Any) -> Followed:
    """Follow a page after the common settings; fail if a function failed."""
    followed = place.follow(page, variant, yours, settings_first=True)
    assert "errorType" not in followed.output, followed.output
    return followed


def test_corruption(quiet: World, cluster: Place) -> None:
    """After pages were overwritten under a running application, it finds the content of the last backup."""
    backed_up = back_up(quiet)
    corrupt(quiet.database)
    followed = follow(cluster, "corruption")
    cluster.require_found(backed_up)
    assert (followed.calls[0], followed.calls[2]) == (DOWN, UP)
    assert '"created": true' in followed.output


def test_accidental_deletion(quiet: World, cluster: Place, tmp_path: Path) -> None:
    """Deleted events come back while the application keeps writing, and its new rows stay."""
    backed_up = back_up(quiet)
    incident = moment_after()
    change(quiet.database, ["DELETE FROM events WHERE rowid % 3 = 0"])
    back_up(quiet)
    followed = follow(cluster, "accidental-deletion", TABLE="events", INCIDENT=incident)
    now = {table.name: table for table in read_tables(copy_of(quiet.database, tmp_path / "now.db"))}
    recorded = {table.name: table for table in backed_up.tables}
    assert now["events"] == recorded["events"]
    assert now["workflow_executions"].rows > recorded["workflow_executions"].rows
    assert followed.calls == []
    assert cluster.running


def test_a_lost_file_system(quiet: World, cluster: Place) -> None:
    """On a new, empty file system, the function creates the folder and restores the database."""
    backed_up = back_up(quiet)
    cluster.stop()
    shutil.rmtree(quiet.database.parent)
    follow(cluster, "server-lost")
    cluster.require_found(backed_up)


def test_a_lost_cluster(quiet: World, cluster: Place) -> None:
    """Database and Kubernetes manifests come back; the page points out the secret whose value no backup has."""
    backed_up = back_up(quiet)
    cluster.stop()
    shutil.rmtree(quiet.database.parent)
    followed = follow(cluster, "cluster-lost")
    cluster.require_found(backed_up)
    assert "kind: Deployment" in (cluster.folder / "recovered" / "k8s" / "deployment.yaml").read_text()
    assert "\nrecovered/k8s/secret.yaml\n" in followed.output
    assert followed.calls[:2] == ["kubectl apply -f recovered/k8s/", UP]
    assert "not-for-any-archive" not in followed.output


@pytest.mark.parametrize("variant", [COMPOSE, KUBERNETES])
def test_a_lost_region(quiet: World, cluster: Place, tmp_path: Path, variant: str) -> None:
    """While every request to the primary region fails, the recovery region restores from the replica."""
    backed_up = back_up(quiet)
    cluster.stop()
    folder = tmp_path / "elsewhere"
    there = quiet.recovery_database() if variant == KUBERNETES else folder / "data" / "devops_hub.db"
    elsewhere = make_place(folder, there, cluster.settings)
    quiet.aws.control.switch_off([PRIMARY])
    try:
        follow(elsewhere, "region-lost", variant)
        elsewhere.require_found(backed_up)
    finally:
        quiet.aws.control.switch_off([])
        elsewhere.stop()
