"""`sqlitevault metrics`: the vault's metrics for Prometheus."""

import json
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sqlitevault.catalog.names import created_at
from sqlitevault.ground.facts import Tier
from tests.cli.home import Home, tree
from tests.cli.test_verify_verb import damage

_LINE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?P<value>-?\d+(\.\d+)?(e[+-]?\d+)?)")


def read(text: str) -> dict[str, float]:
    """Parse the text format strictly: each metric once, after its HELP and TYPE, and nothing else."""
    lines = text.splitlines()
    assert text.endswith("\n")
    assert len(lines) % 3 == 0
    found: dict[str, float] = {}
    for meaning, kind, line in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        parts = _LINE.fullmatch(line)
        assert parts is not None, line
        name = parts["name"]
        assert meaning.startswith(f"# HELP {name} ")
        assert kind == f"# TYPE {name} gauge"
        assert name not in found
        found[name] = float(parts["value"])
    return found


def _metrics(home: Home, *arguments: str, **settings: str) -> dict[str, float]:
    return read(home.run("metrics", *arguments, **settings).require(0).stdout)


def test_a_proven_backup(new_home: Home) -> None:
    """A proven backup has its time, its success, its figures, and the targets to compare them with."""
    made = new_home.run("backup", "--json").require(0).document
    found = _metrics(new_home)
    taken = created_at(made["backup_id"]).timestamp()
    assert found["devops_hub_last_backup_timestamp"] == taken
    assert found["devops_hub_last_proven_backup_timestamp"] == taken
    assert found["devops_hub_last_backup_success"] == 1
    assert found["devops_hub_last_recovery_seconds"] == made["drill"]["recovery_seconds"]
    assert found["devops_hub_archive_bytes"] == made["manifest"]["archive"]["bytes"]
    assert found["devops_hub_rows"] == sum(table["rows"] for table in made["manifest"]["tables"])
    assert (found["devops_hub_rpo_seconds"], found["devops_hub_rto_seconds"]) == (3600, 900)
    assert abs(found["devops_hub_backup_report_timestamp"] - datetime.now(UTC).timestamp()) < 60
    assert not any("replica" in name for name in found)


def test_an_empty_vault_has_timestamp_0(new_home: Home) -> None:
    """An empty vault has a timestamp of 0, so that an alert on the age fires."""
    found = _metrics(new_home)
    assert found["devops_hub_last_backup_timestamp"] == found["devops_hub_last_proven_backup_timestamp"] == 0
    assert found["devops_hub_last_backup_success"] == 0


def test_an_unproven_backup_is_not_a_success(home: Home) -> None:
    """An undrilled backup, one whose drill failed, or a failed last run does not count as a success."""
    assert _metrics(home)["devops_hub_last_backup_success"] == 0
    home.run("drill").require(0)
    assert _metrics(home)["devops_hub_last_backup_success"] == 1
    assert _metrics(home, "--backup-exit-code", "13")["devops_hub_last_backup_success"] == 0
    damage(home.archive(home.ids[-1]))
    home.run("drill", home.ids[-1]).require(14)
    assert _metrics(home)["devops_hub_last_backup_success"] == 0


def test_a_backup_of_the_future_does_not_count(home: Home) -> None:
    """A backup dated in the future does not count: the metrics are those of the backups before it."""
    home.run("drill", home.ids[1]).require(0)
    ahead = home.back_up(-timedelta(days=400))
    home.run("drill", ahead).require(0)
    found = _metrics(home)
    taken = created_at(home.ids[1]).timestamp()
    assert found["devops_hub_last_backup_timestamp"] == found["devops_hub_last_proven_backup_timestamp"] == taken
    assert found["devops_hub_backups"] == 3


def test_the_file_is_replaced_atomically(home: Home) -> None:
    """An existing file is replaced, no other file stays in the folder, and the collector's user may read it."""
    target = home.root / "collector" / "sqlitevault.prom"
    target.parent.mkdir()
    target.write_text("old")
    assert home.run("metrics", "--textfile", str(target)).require(0).stdout == ""
    assert "devops_hub_last_backup_timestamp" in read(target.read_text())
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_failure_leaves_the_old_file(home: Home) -> None:
    """A missing folder or an unusable vault is an error, and the old file stays."""
    home.run("metrics", "--textfile", "no/such/x.prom").require(15, "TargetUnwritable: no/such/x.prom")
    target = home.root / "x.prom"
    target.write_text("old")
    before = tree(home.root)
    home.run("metrics", "--textfile", "x.prom", "--from", "docker-compose.yml").require(13)
    assert tree(home.root) == before


def test_metrics_from_the_monitors_last_report(home: Home) -> None:
    """The monitor's report gives the metrics of its last run; without a report the exit code is 10."""
    home.run("metrics", "--from-monitor").require(10)
    newest = {"backup_id": home.ids[-1], "age_seconds": 60, "rows": 7, "recovery_seconds": 1.5}
    state = {"location": "v", "newest": newest, "proven": newest, "backups": 3, "total_bytes": 9}
    behind = {**state, "newest": {**newest, "age_seconds": 360}}
    waits = {"name": "x", "status": "PENDING", "age_seconds": 42}
    report = {
        "at": "2026-01-01T00:10:00Z", "database": "9-lives", "rpo_seconds": 60, "vault": state, "replica": behind,
        "unreplicated": [waits, {**waits, "status": "FAILED"}], "missing_tiers": ["daily"],
        "drift": ["lock"], "problems": [],
    }  # fmt: skip
    path = home.backups / "reports" / "monitor" / "latest.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(report))
    found = _metrics(home, "--from-monitor")
    moment = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
    assert found["_9_lives_backup_report_timestamp"] == moment.timestamp()
    assert found["_9_lives_last_backup_timestamp"] == (moment - timedelta(minutes=1)).timestamp()
    assert found["_9_lives_replica_last_backup_timestamp"] == (moment - timedelta(minutes=6)).timestamp()
    names = ("rows", "backups", "replication_pending_seconds", "replication_failed", "missing_tiers", "vault_drift")
    assert [found[f"_9_lives_{name}"] for name in names] == [7, 3, 42, 1, 1, 1]


@pytest.mark.parametrize("replica", ["", "copy"], ids=["without-replica", "with-replica"])
def test_a_directory_vault_is_not_measured_by_aws_features(home: Home, replica: str) -> None:
    """In a directory vault, missing replication and unused tiers are not problems."""
    found = _metrics(home, REPLICA_URI=replica)
    assert found["devops_hub_missing_tiers"] == 0
    assert found.get("devops_hub_replication_pending_seconds", 0) == 0
    assert found.get("devops_hub_replica_last_backup_timestamp") == (0 if replica else None)


def test_a_schedule_that_stopped_long_ago_is_still_reported(home: Home) -> None:
    """A stopped tier is still reported after its old backups were deleted."""
    stopped = home.back_up(timedelta(days=40), tier=Tier.DAILY)
    home.back_up(timedelta(days=50))
    home.run("backup", "--tier", "hourly").require(0)
    assert stopped in home.ids
    assert _metrics(home)["devops_hub_missing_tiers"] == 1


def test_as_json(home: Home) -> None:
    """`--json` gives the same figures."""
    document = home.run("metrics", "--json").require(0).document
    moving = "devops_hub_backup_report_timestamp"
    assert {**document, moving: 0} == {**_metrics(home), moving: 0}


@pytest.mark.xdist_group("aws")
def test_a_bucket(cloud_home: Home, tmp_path: Path) -> None:
    """A vault in S3 with a directory as replica gives the same metrics."""
    vault = f"s3://{cloud_home.settings['BUCKET']}/backups/"
    cloud_home.run("backup", "--to", vault).require(0)
    found = _metrics(cloud_home, "--from", vault, REPLICA_URI=str(tmp_path / "none"))
    assert found["devops_hub_last_backup_success"] == 1
    assert found["devops_hub_replica_last_backup_timestamp"] == 0
