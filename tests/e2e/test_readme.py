"""The README's commands for AWS, typed as it shows them, against the embedded AWS."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from localaws.clients import ACCOUNT
from localaws.demo.world import PRIMARY, RECOVERY, STAGE, World
from localaws.embedded import EmbeddedAws
from sqlitevault.ground.settings_file import SettingsFile
from tests.console import ROOT, commands
from tests.e2e.watching import fire, forget_backups

README = ROOT / "README.md"


def attempt(command: str, environment: dict[str, str], folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, by default the repository."""
    tools = os.pathsep.join((str(Path(sys.executable).parent), environment["PATH"]))
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment | {"PATH": tools}, capture_output=True, text=True,
        timeout=200, check=False,
    )  # fmt: skip


def run(command: str, environment: dict[str, str], folder: Path = ROOT) -> str:
    """Run a command that must succeed, and return its stdout."""
    done = attempt(command, environment, folder)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def fresh_clone(folder: Path) -> Path:
    """Return a copy of the repository's files (not those that git ignores), as after `make setup`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def _file_system(aws: EmbeddedAws) -> dict[str, str]:
    """Create a file system as an application has it; return its ids by those that the README shows."""
    ec2 = aws.client("ec2", PRIMARY)
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/24")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="efs", Description="efs", VpcId=vpc)["GroupId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for block, zone in (("10.7.0.0/26", "us-east-1a"), ("10.7.0.64/26", "us-east-1b"))
    ]
    file_system = aws.client("efs", PRIMARY).create_file_system()["FileSystemId"]
    made = {"fs": file_system, "sg": group, "vpc": vpc}
    shown = {f"{kind}-0123456789abcdef0": own for kind, own in made.items()}
    return shown | {"subnet-0a": subnets[0], "subnet-0b": subnets[1]}


@pytest.mark.slow
def test_the_deployment_as_the_readme_shows_it(tmp_path: Path) -> None:
    """The README's settings and deployment work; then `init --from-deployed` and `cdk diff` show no difference.

    The ids of the application's own file system are replaced by those of one created in the embedded AWS.
    """
    shown = commands(README, "Deployment to AWS")
    setup, init, bootstrap, deploy, own, replace, rebuild, diff, *_ = (one.command for one in shown)
    assert setup == "make setup"
    settings = tmp_path / "sqlitevault.toml"
    with EmbeddedAws(tmp_path / "aws") as aws:
        environment = aws.environment(PRIMARY) | {"CDK_DISABLE_CLI_TELEMETRY": "1", "CDK_REQUIRE_APPROVAL": "never"}
        environment |= {"CDK_DEFAULT_ACCOUNT": ACCOUNT, "CDK_OUTPUT": str(tmp_path / "cdk.out")}
        environment |= {"SQLITEVAULT_CONFIG": str(settings), "CDK_VALIDATION": "false"}  # half of a synthesis' time
        assert run(init, environment) == f"wrote {settings}\n"
        run(bootstrap.replace("ACCOUNT", ACCOUNT), environment)
        run(deploy, environment | {"CDK_VALIDATION": "true"})
        for region, stack in ((PRIMARY, "SqliteVault-prod"), (RECOVERY, "SqliteVault-prod-recovery")):
            described = aws.client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"][0]
            assert described["StackStatus"] == "CREATE_COMPLETE"
        for shown_id, own_id in _file_system(aws).items():
            own = own.replace(shown_id, own_id)
        run(own, environment)
        assert replace == f"{deploy} replace=file-system"
        stopped = attempt(deploy, environment)
        assert stopped.returncode != 0
        assert "refused: sqlitevault-prod-backup of SqliteVault-prod would mount fs-" in stopped.stderr
        assert "If all of this is meant: make deploy replace=file-system\n" in stopped.stderr
        run(replace, environment)
        deployed = SettingsFile.find(environment).deployment({}, "-c")
        settings.unlink()
        clone = fresh_clone(tmp_path / "clone")
        for region in (PRIMARY, RECOVERY):
            run(f"{rebuild} --yes --region {region}", environment, clone)
            assert SettingsFile.find(environment).deployment({}, "-c") == deployed
        run(f"{diff} --fail", environment, clone)


def test_the_functions_as_the_readme_invokes_them(quiet: World, tmp_path: Path) -> None:
    """First backup, list, page, plan, stage and promote work on the deployed functions with the README's payloads."""
    forget_backups(quiet)
    environment = quiet.aws.environment(PRIMARY)
    shown = [
        *commands(README, "Deployment to AWS")[-2:],
        *commands(README, "Emergency restore"),
    ]
    printed = {}
    for one in shown:
        command = one.command.replace("-prod-", f"-{STAGE}-").replace("ACCOUNT", ACCOUNT)
        printed[one.command] = run(command, environment)
        quiet.aws.control.settle()
        assert "FunctionError" not in printed[one.command]
    backup, listed, planned, staged, promoted = printed.values()
    backup_id = quiet.last("backup").response["backup_id"]
    for output in (backup, listed, planned, staged, promoted):
        assert backup_id in output
    assert "the newest good backup" in planned
    (page,) = commands(README, "Monitoring")
    fetch = page.command.replace("-prod-", f"-{STAGE}-").replace("ACCOUNT", ACCOUNT)
    run(fetch.replace(" report.html", f" {tmp_path / 'report.html'}"), environment)
    assert backup_id in (tmp_path / "report.html").read_text()


def test_the_emergency_commands_work_in_the_recovery_region(quiet: World) -> None:
    """With `--region us-west-2`, the emergency commands work while the primary region is off."""
    forget_backups(quiet)
    fire(quiet, "hourly")
    quiet.aws.control.switch_off([PRIMARY])
    for one in commands(README, "Emergency restore"):
        words = shlex.split(one.command.replace("-prod-", f"-{STAGE}-"))
        printed = run(shlex.join([*words, "--region", RECOVERY]), quiet.aws.environment(PRIMARY))
        assert quiet.last("backup").response["backup_id"] in printed
        assert "FunctionError" not in printed
