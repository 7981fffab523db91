"""Tests of the alert rules for Prometheus: their metrics exist, and promtool tests each rule where it is installed."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from sqlitevault.ground.alarm_table import Targets, database_alarms
from sqlitevault.ground.settings import MASS_DELETION_PERCENT
from sqlitevault.watch.changes import Changes
from sqlitevault.watch.exposition import metrics
from sqlitevault.watch.monitor import MonitorReport, Newest, VaultState

REPOSITORY = Path(__file__).parents[2]
RULES = REPOSITORY / "docs" / "monitoring" / "prometheus-rules.yml"
TESTS = RULES.with_name("prometheus-rules.test.yml")
_METRIC = re.compile(r"\bdevops_hub_[a-z_]+")


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _emitted() -> set[str]:
    newest = Newest(backup_id="x", age_seconds=1, database_bytes=1, archive_bytes=1, rows=1, recovery_seconds=1)
    state = VaultState(location="v", newest=newest, proven=newest, backups=1, total_bytes=1)
    report = MonitorReport(
        at=datetime.now(UTC), database="devops_hub", rpo_seconds=1, vault=state, replica=state,
        unreplicated=(), missing_tiers=(), drift=(), problems=(),
        changes=Changes(
            since="x", largest_loss_percent=1, largest_loss_table="t", database_change_percent=1
        ),
    )  # fmt: skip
    return {metric.name for metric in metrics(report, rto_seconds=1)}


def test_every_metric_in_the_rules_is_emitted() -> None:
    """Every metric in the rules is emitted, because a rule on an unknown metric would never fire."""
    for rule in _rules():
        named = set(_METRIC.findall(rule["expr"]))
        assert named, rule
        assert named <= _emitted()


def test_every_alert_says_what_to_do() -> None:
    """Every alert has a severity, a summary, a description with the action to take, and a runbook."""
    for rule in _rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
        assert re.fullmatch(r"docs/runbooks/[a-z-]+\.md", rule["annotations"]["runbook"])


def test_alerts_and_alarms_of_the_same_name_agree() -> None:
    """Alerts and alarms of the same name have the same runbook and thresholds; only three alerts have no alarm."""
    alarms = {spec.name: spec for spec in database_alarms(Targets(3600, 900, loss_percent=MASS_DELETION_PERCENT))}
    rules = {rule["alert"]: rule for rule in _rules()}
    assert rules.keys() - alarms.keys() == {"BackupFiguresMissing", "BackupFiguresStale", "SuspiciousSize"}
    for name in rules.keys() & alarms.keys():
        assert rules[name]["annotations"]["runbook"] == f"docs/runbooks/{alarms[name].runbook}.md"
    assert rules["MassDeletion"]["expr"].endswith(f" >= {alarms['MassDeletion'].threshold:g}")
    assert alarms["NoReplicaDrill"].threshold == 31.5 * 86400
    assert rules["NoReplicaDrill"]["expr"].endswith("31.5 * 86400")


def test_every_alert_is_tested() -> None:
    """Every alert fires in one of promtool's tests, and the tests use only emitted metrics."""
    text = TESTS.read_text()
    assert [rule["alert"] for rule in _rules() if f'alertname="{rule["alert"]}"' not in text] == []
    assert set(_METRIC.findall(text)) <= _emitted()
    assert yaml.safe_load(text)["rule_files"] == [RULES.name]


@pytest.mark.slow
@pytest.mark.parametrize("command", [("check", RULES), ("test", TESTS)], ids=["check", "test"])
def test_promtool_accepts_the_rules(command: tuple[str, Path]) -> None:
    """Prometheus's promtool reads the rules, and its tests of each alert pass."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus has it)")
    done = subprocess.run([promtool, command[0], "rules", command[1]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
