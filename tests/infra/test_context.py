"""What can be chosen at deployment: every default deploys, every wrong value is refused by its name."""

import json
import os
import subprocess
import sys

import pytest

from infra.context import ContextError, DeploymentSettings, from_context
from tests.infra.conftest import EXISTING
from tests.synthesis import ROOT

# The route tables are named only where the subnets have no S3 endpoint yet.
NEEDED = [name for name in EXISTING if name != "route_table_ids"]

pytestmark = pytest.mark.xdist_group("infra")


def test_nothing_has_to_be_chosen() -> None:
    """`cdk deploy --all` without a `-c` is a whole deployment; empty values count as not given."""
    empty = dict.fromkeys(DeploymentSettings.model_fields, "")
    assert from_context(lambda _: None) == from_context(empty.get) == DeploymentSettings()


def test_the_command_lines_texts_become_numbers_and_lists() -> None:
    """`-c name=value` gives text for everything."""
    chosen = from_context({**EXISTING, "lock_days": "1", "size_change_percent": "12.5"}.get)
    assert (chosen.lock_days, chosen.size_change_percent) == (1, 12.5)
    assert chosen.existing_file_system is not None
    assert chosen.existing_file_system.subnet_ids == ("subnet-1", "subnet-2")


def test_the_database_gives_its_name_to_the_metrics() -> None:
    """Its file name without folder and ending, as the functions call it."""
    assert from_context({"database": "var/lib/shop.v2.sqlite3"}.get).database_name == "shop.v2"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param({"stage": "Prod!"}, ["stage"], id="stage with a capital"),
        pytest.param({"stage": "x" * 17}, ["stage"], id="stage too long for names of buckets"),
        pytest.param({"region": "here"}, ["region"], id="no region"),
        pytest.param({"region": "us-west-2"}, ["region", "dr_region"], id="same regions"),
        pytest.param({"database": "/etc/app.db"}, ["database"], id="absolute path"),
        pytest.param({"database": "data"}, ["database"], id="database without an ending"),
        pytest.param({"alarm_email": "nobody"}, ["alarm_email"], id="no address"),
        pytest.param({"lock_days": "31"}, ["lock_days"], id="lock longer than a tier lives"),
        pytest.param({"weekly_days": "3"}, ["lock_days", "tier"], id="tier shorter than the lock"),
        pytest.param({"hourly_days": "0"}, ["hourly_days"], id="no days"),
        pytest.param({"hourly_days": "a month"}, ["hourly_days"], id="no number"),
        pytest.param({"hourly_minutes": "60"}, ["hourly_minutes"], id="minute 60"),
        pytest.param({"hourly_minutes": "5;35"}, ["hourly_minutes"], id="no list of minutes"),
        pytest.param({"rpo_minutes": "30"}, ["hourly_minutes", "60 minutes"], id="RPO shorter than the schedule's gap"),
        pytest.param({"hourly_minutes": "0"}, ["hourly_minutes"], id="at the daily backup's minute"),
        pytest.param({"rpo_minutes": "5"}, ["rpo_minutes"], id="shorter than the monitor's period"),
        pytest.param({"rpo_minutes": "1426"}, ["rpo_minutes"], id="longer than an alarm looks back"),
        pytest.param({"size_change_percent": "100"}, ["size_change_percent"], id="shrunk by everything"),
        pytest.param({"rto_minutes": "0"}, ["rto_minutes"], id="no time to recover"),
        pytest.param({"mass_deletion_percent": "101"}, ["mass_deletion_percent"], id="more than everything"),
        pytest.param({"architecture": "riscv"}, ["architecture"], id="unknown architecture"),
        pytest.param({"memory_mb": "128"}, ["memory_mb"], id="too little memory"),
        pytest.param({"scratch_gb": "11"}, ["scratch_gb"], id="more disk than Lambda has"),
        pytest.param({"timeout_seconds": "901"}, ["timeout_seconds"], id="longer than Lambda runs"),
        pytest.param({"max_writer_stall_seconds": "0"}, ["max_writer_stall_seconds"], id="no stall at all"),
        pytest.param({"file_system_path": "data"}, ["file_system_path"], id="relative mount"),
        pytest.param({"posix_user": "-1"}, ["posix_user"], id="no user"),
        pytest.param({**EXISTING, "vpc_id": "my vpc"}, ["vpc_id"], id="no id of a VPC"),
        pytest.param(
            {"file_system_id": "fs-1"}, [name for name in NEEDED if name != "file_system_id"], id="only one id"
        ),
        *(
            pytest.param({n: v for n, v in EXISTING.items() if n != name}, [name], id=f"without {name}")
            for name in NEEDED
        ),
        pytest.param({"stage": "-", "lock_days": "x", "region": "y"}, ["stage", "lock_days", "region"], id="every one"),
    ],
)
def test_a_wrong_value_is_named(given: dict[str, str], named: list[str]) -> None:
    """Before anything is synthesised."""
    with pytest.raises(ContextError) as caught:
        from_context(given.get)
    for name in named:
        assert name in str(caught.value)


def test_the_app_ends_with_one_clear_text() -> None:
    """What `cdk synth -c stage=Prod!` prints: the names of what is wrong, and no traceback."""
    wrong = json.dumps({"stage": "Prod!", "lock_days": "400"})
    ended = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | {"CDK_CONTEXT_JSON": wrong},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "These values of -c cannot be deployed:\n  stage: " in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
