"""Tests of docs/schedules: cron, systemd, Kubernetes and the sqlitevault command accept the documented files."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml

from sqlitevault.cli import main
from sqlitevault.ground.settings import Settings

FOLDER = Path(__file__).parents[2] / "docs" / "schedules"
UNITS = FOLDER / "systemd"
TIERS = ("hourly", "daily", "weekly", "monthly")
_KUBERNETES = "1.34"
_PROGRAM = "sqlitevault"
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def understood(arguments: list[str]) -> str:
    """Check that the command accepts these arguments, and return the verb."""
    verb = main.get_command(click.Context(main), arguments[0])
    assert verb is not None
    verb.make_context(arguments[0], arguments[1:])
    return arguments[0]


def _require_schedule(fields: str) -> None:
    values = fields.split()
    assert len(values) == 5
    for value, (low, high) in zip(values, _RANGES, strict=True):
        for part in value.split(","):
            assert part == "*" or low <= int(part) <= high, fields


def _crontab() -> tuple[dict[str, str], list[tuple[str, str]]]:
    settings: dict[str, str] = {}
    jobs = []
    for line in (FOLDER / "crontab").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, is_setting, value = line.partition("=")
        if is_setting and re.fullmatch(r"[A-Z_]+", name):
            settings[name] = value
        else:
            jobs.append((" ".join(line.split()[:5]), line.split(maxsplit=5)[5]))
    return settings, jobs


def test_the_crontab_is_valid() -> None:
    """The crontab has five fields per line, each tier once, known commands and settings, and no bare % in a command."""
    settings, jobs = _crontab()
    verbs, tiers = [], []
    for fields, command in jobs:
        _require_schedule(fields)
        assert "%" not in command
        for part in command.split(";"):
            words = _as_the_shell_reads(part, REPLICA_URI="/mnt/copy")
            assert words[0] == _PROGRAM
            verbs.append(understood(words[1:]))
            tiers += [words[words.index("--tier") + 1]] if "--tier" in words else []
    assert tiers == list(TIERS)
    assert set(verbs) == {"backup", "metrics", "drill", "readiness"}
    known = {field.alias for field in Settings.model_fields.values()}
    assert settings.keys() - {"MAILTO", "PATH"} <= known
    assert Settings.from_env(settings).heartbeat_url


def _as_the_shell_reads(command: str, **variables: str) -> list[str]:
    """Return the words of a command after cron's shell has expanded it with these variables."""
    words = ["/bin/sh", "-c", f"printf '%s\\n' {command}"]
    done = subprocess.run(words, env=variables, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_every_cron_backup_is_quiet_and_followed_by_metrics() -> None:
    """A successful backup sends no mail, and each tier's exit code reaches the metrics."""
    _, jobs = _crontab()
    backups = [command for _, command in jobs if " backup " in command]
    assert len(backups) == len(TIERS)
    for command in backups:
        backup, metrics = command.split("; ")
        assert "--quiet" in shlex.split(backup)
        assert "--backup-exit-code $? " in metrics


def test_the_monthly_drill_uses_the_replica_if_there_is_one() -> None:
    """With REPLICA_URI set, the monthly drill restores from the replica."""
    _, jobs = _crontab()
    (command,) = (command for _, command in jobs if " drill" in command)
    assert _as_the_shell_reads(command) == [_PROGRAM, "drill"]
    assert _as_the_shell_reads(command, REPLICA_URI="/mnt/a b") == [_PROGRAM, "drill", "--from", "/mnt/a b"]


def test_hourly_backups_do_not_coincide_with_others() -> None:
    """Hourly backups have their own minute, because two backups in the same second would have the same name."""
    _, jobs = _crontab()
    minutes = {
        command.split("--tier ")[1].split(";")[0]: fields.split()[0] for fields, command in jobs if "--tier" in command
    }
    assert list(minutes.values()).count(minutes["hourly"]) == 1


def _unit(name: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(interpolation=None, strict=True)
    read.optionxform = str  # type: ignore[assignment, method-assign]
    read.read_string((UNITS / name).read_text())
    return read


@pytest.mark.parametrize("tier", TIERS)
def test_timers_are_in_utc_and_catch_up(tier: str) -> None:
    """Each tier's timer is in UTC, catches up on missed runs, and is wanted by timers.target."""
    timer = _unit(f"sqlitevault-backup@{tier}.timer")
    assert timer["Timer"]["OnCalendar"].endswith(" UTC")
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_service_runs_backup_and_metrics() -> None:
    """The service backs up the instance's tier, then always writes metrics, and uses only known settings."""
    service = _unit("sqlitevault-backup@.service")["Service"]
    for option, verb in (("ExecStart", "backup"), ("ExecStopPost", "metrics")):
        words = shlex.split(service[option].replace("%i", "hourly"))
        assert Path(words[0]).name == _PROGRAM
        assert understood(words[1:]) == verb
    lines = [line for line in (UNITS / "sqlitevault.env").read_text().splitlines() if not line.startswith("#")]
    settings = dict(line.split("=", 1) for line in lines)
    assert settings.keys() <= {field.alias for field in Settings.model_fields.values()}
    assert settings["BACKUP_DIR"] in service["ReadWritePaths"].split()


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """systemd-analyze reports nothing about the units, with the program's path of this machine."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    program = str(Path(sys.executable).with_name(_PROGRAM))
    for unit in UNITS.glob("*.[st]*"):
        text = unit.read_text().replace("/opt/sqlitevault/bin/sqlitevault", program)
        (tmp_path / unit.name).write_text(text)
    names = [f"sqlitevault-backup@{tier}.{kind}" for tier in TIERS for kind in ("service", "timer")]
    for tier in TIERS:
        shutil.copy(tmp_path / "sqlitevault-backup@.service", tmp_path / f"sqlitevault-backup@{tier}.service")
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    printed = [line for line in done.stderr.splitlines() if "sqlitevault" in line]
    assert (done.returncode, printed) == (0, []), done.stderr


def _cron_jobs() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / "cronjob.yaml").read_text()))


@pytest.mark.parametrize("job", _cron_jobs(), ids=lambda job: str(job["metadata"]["name"]))
def test_kubernetes_accepts_the_cron_jobs(job: dict[str, Any]) -> None:
    """Each job matches the strict schema of the Kubernetes API, and its command and settings exist."""
    kubernetes_validate.validate(job, _KUBERNETES, strict=True)
    _require_schedule(job["spec"]["schedule"])
    assert (job["spec"]["timeZone"], job["spec"]["concurrencyPolicy"]) == ("Etc/UTC", "Forbid")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert understood(container["args"]) == "backup"
    assert {entry["name"] for entry in container["env"]} - {"AWS_REGION"} <= {
        field.alias for field in Settings.model_fields.values()
    }
    mounted = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert mounted["source"]["readOnly"]
    assert {volume["name"] for volume in pod["volumes"]} == mounted.keys()


def test_the_validators_find_mistakes() -> None:
    """The validators refuse an unknown field, an invalid schedule, and an unknown option of the command."""
    job = _cron_jobs()[0]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**job, "spec": {**job["spec"], "timezone": "UTC"}}, _KUBERNETES, strict=True)
    with pytest.raises(AssertionError):
        _require_schedule("61 * * * *")
    with pytest.raises(click.UsageError):
        understood(["backup", "--teir", "hourly"])
