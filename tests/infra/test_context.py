"""Settings of a deployment from `-c` and the settings file: defaults, precedence and errors."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.context import from_context
from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.settings_file import SettingsFile
from sqlitevault.ground.stage import DeploymentSettings, recorded_settings
from tests.infra.conftest import EXISTING
from tests.synthesis import ROOT

NO_FILE = SettingsFile(Path("no-file.toml"))
# Route tables are named only if the subnets have no S3 endpoint yet.
NEEDED = [name for name in EXISTING if name != "route_table_ids"]


def chosen(given: dict[str, Any], file: SettingsFile = NO_FILE) -> DeploymentSettings:
    """Return the settings for these values of `-c`."""
    return from_context(given, file)


def test_every_setting_is_optional() -> None:
    """Without a `-c` every setting has its default; empty values count as not given."""
    empty = dict.fromkeys(DeploymentSettings.model_fields, "")
    assert chosen({}) == chosen(empty) == DeploymentSettings()


def test_texts_of_the_command_line_become_numbers_and_lists() -> None:
    """The texts of `-c name=value` become numbers and lists; spaces after commas are ignored."""
    spaced = {"subnet_ids": "subnet-1, subnet-2", "hourly_minutes": "5, 35"}
    settings = chosen({**EXISTING, **spaced, "lock_days": "1", "size_change_percent": "12.5"})
    assert (settings.lock_days, settings.size_change_percent) == (1, 12.5)
    assert (settings.subnet_ids, settings.hourly_minutes) == (("subnet-1", "subnet-2"), "5,35")


def test_the_database_gives_its_name_to_the_metrics() -> None:
    """The metrics' database name is the file name without folder and suffix, as in the functions."""
    assert chosen({"database": "var/lib/shop.v2.sqlite3"}).database_name == "shop.v2"


def test_the_context_of_cdk_itself_passes() -> None:
    """CDK's own context is accepted: feature flags, its command line's options, and answers in cdk.context.json."""
    flags = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    own = {
        "aws:cdk:enable-path-metadata": True,
        "aws:cdk:bundling-stacks": ["**"],
        "aws-cdk:enableDiffNoFail": "true",
        "availability-zones:account=123456789012:region=us-east-1": ["us-east-1a"],
        "vpc-provider:account=123456789012:filter.vpc-id=vpc-1:region=us-east-1:returnAsymmetricSubnets=true": {},
        "cdk-migrate": True,
    }
    assert chosen({**flags, **own}) == DeploymentSettings()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("alarm_mail", "alarm_email"), ("hourly_minute", "hourly_minutes"), ("file-system-id", "file_system_id"),
     ("STAGE", "stage"), ("vpc", "vpc_id")],
)  # fmt: skip
def test_an_unknown_name_is_refused_with_the_nearest_right_one(name: str, nearest: str) -> None:
    """A misspelt setting is refused, and the error names the nearest one."""
    with pytest.raises(ConfigError, match=f"-c {name}: no such setting; the nearest is {nearest}$"):
        chosen({name: "1"})


def test_c_overrides_the_file() -> None:
    """`-c` overrides the file, but an empty value does not remove the file's."""
    prod = {"alarm_email": "ops@example.com", "rto_minutes": 30, "hourly_minutes": [5, 35]}
    file = SettingsFile(Path("sqlitevault.toml"), stages={"prod": prod})
    settings = chosen({"rto_minutes": "45", "alarm_email": ""}, file)
    assert settings == DeploymentSettings(alarm_email="ops@example.com", rto_minutes=45, hourly_minutes="5,35")


def test_the_stage_is_the_one_named_or_the_only_one_or_prod() -> None:
    """A stage that the file lacks is refused, because a misspelt one would be deployed beside the right one."""
    file = SettingsFile(Path("f.toml"), stages={"test": {"rto_minutes": 20}})
    assert chosen({}, file) == DeploymentSettings(stage="test", rto_minutes=20)
    both = SettingsFile(Path("f.toml"), stages={"test": {}, "prod": {"rto_minutes": 40}})
    assert chosen({}, both) == DeploymentSettings(rto_minutes=40)
    assert chosen({"stage": "test"}, both) == DeploymentSettings(stage="test")
    with pytest.raises(ConfigError, match=r"f.toml has no section \[stage.tset\], only \[stage.prod\], \[stage.test\]"):
        chosen({"stage": "tset"}, both)


def test_every_mistake_is_named_with_its_place() -> None:
    """Each mistake is named with file, section and key, or with `-c` and name."""
    file = SettingsFile(
        Path("f.toml"), stages={"prod": {"rto_minutes": "soon", "alarm_mail": "a@b", "lock_days": True}}
    )
    with pytest.raises(ConfigError) as caught:
        chosen({"region": "us-gov-west-1"}, file)
    for part in (
        "\n  f.toml [stage.prod] rto_minutes: ",
        "\n  f.toml [stage.prod] alarm_mail: no such setting; the nearest is alarm_email",
        "\n  f.toml [stage.prod] lock_days: must be ",
        "\n  -c region: must be a commercial region",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param({"stage": "Prod!"}, ["stage"], id="stage with a capital"),
        pytest.param({"stage": "x" * 17}, ["stage"], id="stage too long for bucket names"),
        pytest.param({"stage": "prod-recovery"}, ["stage", "-recovery"], id="stage named like a recovery stack"),
        pytest.param({"region": "here"}, ["region"], id="unknown region"),
        pytest.param({"region": "us-gov-west-1"}, ["region", "GovCloud"], id="GovCloud"),
        pytest.param({"dr_region": "cn-north-1"}, ["dr_region", "China"], id="China"),
        pytest.param({"region": "us-iso-east-1"}, ["region", "not supported"], id="isolated partition"),
        pytest.param({"region": "us-west-2"}, ["region", "dr_region"], id="same regions"),
        pytest.param({"application_profile": "generc"}, ["application_profile", "generc"], id="unknown application"),
        pytest.param({"database": "/etc/app.db"}, ["database"], id="absolute path"),
        pytest.param({"database": "data"}, ["database"], id="database without a suffix"),
        pytest.param({"alarm_email": "nobody"}, ["alarm_email"], id="not an address"),
        pytest.param({"lock_days": "31"}, ["lock_days"], id="lock longer than a tier is kept"),
        pytest.param({"drill_sql": "SELECT 1 => 1\n" * 300}, ["drill_sql", "3,000 bytes"], id="too long for Lambda"),
        pytest.param({"weekly_days": "3"}, ["lock_days", "tier"], id="tier shorter than the lock"),
        pytest.param({"hourly_days": "0"}, ["hourly_days"], id="no days"),
        pytest.param({"hourly_days": "a month"}, ["hourly_days"], id="not a number"),
        pytest.param({"hourly_minutes": "60"}, ["hourly_minutes"], id="minute 60"),
        pytest.param({"hourly_minutes": "5;35"}, ["hourly_minutes"], id="not a list of minutes"),
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
        pytest.param({"posix_user": "-1"}, ["posix_user"], id="not a user"),
        pytest.param({**EXISTING, "vpc_id": "my vpc"}, ["vpc_id"], id="not an id of a VPC"),
        pytest.param({**EXISTING, "subnet_ids": "subnet-1,vpc-1"}, ["subnet_ids.1"], id="not an id of a subnet"),
        pytest.param({**EXISTING, "subnet_ids": "subnet-1,subnet-1"}, ["subnet_ids", "twice"], id="a subnet twice"),
        pytest.param(
            {**EXISTING, "availability_zones": "us-east-1a"},
            ["availability_zones", "each of the 2"],
            id="one zone of two",
        ),
        pytest.param(
            {**EXISTING, "availability_zones": "us-east-1a,us-east-2b"},
            ["us-east-2b", "us-east-1"],
            id="zone elsewhere",
        ),
        pytest.param({**EXISTING, "route_table_ids": "rtb-1"}, ["route_table_ids", "each of the 2"], id="one table"),
        pytest.param({"route_table_ids": "rtb-1,rtb-2"}, NEEDED, id="only route tables"),
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
    """A wrong value is refused before anything is synthesised, and the error names its setting."""
    with pytest.raises(ConfigError) as caught:
        chosen(given)
    for name in named:
        assert name in str(caught.value)


def test_the_app_ends_with_one_clear_message(tmp_path: Path) -> None:
    """The app reports wrong settings in one message, without a traceback."""
    file = tmp_path / "settings.toml"
    file.write_text("[stage.prod]\nlock_days = 400\n", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | {"CDK_CONTEXT_JSON": json.dumps({"region": "nowhere"}), "SQLITEVAULT_CONFIG": str(file)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "These settings cannot be deployed:\n  -c region: " in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def test_recorded_settings_are_the_deployed_ones() -> None:
    """Settings of any length are the same after they were written to stack outputs and read back."""
    checks = "\n".join(f"SELECT count(*) > {n} FROM agents => 1" for n in range(70))
    settings = chosen({**EXISTING, "drill_sql": checks})
    outputs = settings.to_outputs()
    assert len(outputs) > 3
    assert max(map(len, outputs.values())) <= 1000
    assert DeploymentSettings.model_validate(recorded_settings(outputs)) == settings
    assert recorded_settings({"VaultBucket": "v"}) == {}
