"""Tests of the import rules: in a copy of the sources, each planted import breaks exactly the rule that forbids it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLANTED = [
    pytest.param(
        "backup/backup.py", "import sqlitevault.profiles", "Only the builder of a site", id="profile in the core"
    ),
    pytest.param(
        "cli/keys.py", "import sqlitevault.profiles.devops_hub", "Only the builder of a site", id="profile in a verb"
    ),
    pytest.param(
        "functions/events.py", "import aws_lambda_powertools", "Only telemetry knows Powertools", id="powertools"
    ),
    pytest.param("restore/plan.py", "import boto3", "Only the S3 vault and the AWS alarms know boto3", id="boto3"),
    pytest.param("vault/protocol.py", "import sqlitevault.site", "A room imports only from the floors", id="floors"),
    pytest.param("new_room.py", "", "A room imports only from the floors", id="a room without a floor"),
]


def _broken(root: Path) -> list[str]:
    """Return the names of the rules that the sources break."""
    environment = os.environ | {"PYTHONPATH": f"{root / 'lambdas'}:{root}"}
    program = Path(sys.executable).with_name("lint-imports")
    lint = [str(program), "--no-cache", "--config", str(root / ".importlinter")]
    done = subprocess.run(lint, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert "Contracts:" in done.stdout or "missing from" in done.stdout, done.stdout + done.stderr
    return [line.split(" BROKEN")[0] for line in done.stdout.splitlines() if " BROKEN" in line]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all files that the rules cover."""
    copy = tmp_path_factory.mktemp("sources")
    for name in ("lambdas", "infra", "localaws"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", copy)
    return copy


def test_the_sources_follow_the_rules(sources: Path) -> None:
    """Without a planted import, no rule is broken."""
    assert _broken(sources) == []


@pytest.mark.parametrize(("module", "line", "rule"), PLANTED)
def test_a_planted_import_breaks_its_rule(sources: Path, module: str, line: str, rule: str) -> None:
    """Each planted import breaks the rule that forbids it, and no other."""
    path = sources / "lambdas" / "sqlitevault" / module
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        broken = _broken(sources)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
    assert [name for name in broken if name.startswith(rule)] == broken != []
