"""`sqlitevault init`: the settings file from options or answers, and the replacement of an existing one."""

import os
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from sqlitevault.cli import main
from sqlitevault.cli.init import _toml
from sqlitevault.ground.settings import Settings
from sqlitevault.ground.settings_file import SettingsFile
from sqlitevault.ground.stage import DeploymentSettings

OF_A_FILE_SYSTEM = {
    "file_system_id": "fs-0a",
    "security_group_id": "sg-0a",
    "vpc_id": "vpc-0a",
    "subnet_ids": "subnet-0a, subnet-0b",
    "availability_zones": "us-east-1a,us-east-1b",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SQLITEVAULT_CONFIG", raising=False)
    return tmp_path


def init(*arguments: str) -> Result:
    """Run the verb without a terminal."""
    return CliRunner().invoke(main, ["init", *arguments])


def file() -> SettingsFile:
    """Return the file that was written."""
    return SettingsFile.find({})


def deployment(**overrides: str) -> DeploymentSettings:
    """Return the settings that `cdk deploy` would read from it."""
    return file().deployment(overrides, "-c")


def test_without_options_every_setting_is_a_commented_default() -> None:
    """Without options, the file shows every setting as a commented default and changes none."""
    assert init().exit_code == 0
    assert deployment() == DeploymentSettings()
    assert file().environment({}) == ({}, {})
    text = Path("sqlitevault.toml").read_text(encoding="utf-8")
    for model in (Settings, DeploymentSettings):
        for name, field in model.model_fields.items():
            if name != "stage":
                assert f"# {field.description}" in text
                assert f"\n# {name} = " in text
    uncommented = text.replace("\n# ", "\n")
    sections = tomllib.loads("\n".join(line for line in uncommented.splitlines() if " = " in line or line[:1] == "["))
    again = SettingsFile(Path("f"), sections["command-line"], sections["stage"])
    assert again.deployment({}, "-c") == DeploymentSettings()
    assert Settings.from_env(again.environment({})[0]) == Settings()


def test_options_set_what_they_name() -> None:
    """Options set the named settings: texts become numbers and lists; paths stay as typed."""
    chosen = [part for name, value in OF_A_FILE_SYSTEM.items() for part in ("--set", f"{name}={value}")]
    own = ["--command-line", "retain_days=7", "--command-line", "vault=../backups"]
    assert init(*chosen, *own, "--set", "hourly_minutes=5, 35", "--stage", "test").exit_code == 0
    sections = tomllib.loads(Path("sqlitevault.toml").read_text(encoding="utf-8"))
    assert sections["command-line"] == {"retain_days": 7, "vault": "../backups"}
    assert sections["stage"]["test"]["subnet_ids"] == ["subnet-0a", "subnet-0b"]
    assert deployment().hourly_minutes == "5,35"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "alarm_mail=a@b.c"), "alarm_mail: no such setting; the nearest is alarm_email"),
        (("--set", "rto_minutes=soon"), "[stage.prod] rto_minutes: Input should be a valid integer"),
        (("--set", "rto_minutes"), "'rto_minutes' is not NAME=VALUE"),
        (("--stage", "Prod!"), "stage: String should match"),
        (("--set", "application_profile=generc"), "there is no application profile 'generc'"),
        (("--command-line", "application_profile=generc"), "there is no application profile 'generc'"),
        (("--command-line", "retain_days=0"), "[command-line] retain_days: Input should be greater"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    """A mistake is named, and no file is created."""
    done = init(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert list(folder.iterdir()) == []


def test_an_existing_file_is_replaced_only_on_request_and_kept(folder: Path) -> None:
    """Replacing a file needs `--yes`; other sections and settings stay, and each old file is kept under a new name."""
    init("--set", "alarm_email=ops@example.com", "--command-line", "retain_days=7")
    first = Path("sqlitevault.toml").read_bytes()
    refused = init("--set", "rto_minutes=30")
    assert refused.exit_code == 11
    assert "--yes" in refused.stderr
    assert Path("sqlitevault.toml").read_bytes() == first
    assert "kept the old one as sqlitevault.toml.bak\n" in init("--yes", "--set", "rto_minutes=30").stdout
    assert init("--yes", "--stage", "test", "--set", "alarm_email=").exit_code == 0
    assert Path("sqlitevault.toml.bak").read_bytes() == first
    assert sorted(path.name for path in folder.iterdir()) == [
        "sqlitevault.toml", "sqlitevault.toml.bak", "sqlitevault.toml.bak1",
    ]  # fmt: skip
    assert deployment() == DeploymentSettings(alarm_email="ops@example.com", rto_minutes=30)
    assert deployment(stage="test") == DeploymentSettings(stage="test")
    assert file().command_line == {"retain_days": 7}


def test_an_invalid_old_file_is_not_replaced(folder: Path) -> None:
    """An old file with a mistake is refused, because its settings could not be kept."""
    Path("sqlitevault.toml").write_text("[stage.prod]\nalarm_mail = 'a@b.c'\n", encoding="utf-8")
    done = init("--yes", "--stage", "test")
    assert done.exit_code == 2
    assert "alarm_mail: no such setting" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["sqlitevault.toml"]


def test_the_variable_names_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variable names the file to write; its folder must exist."""
    monkeypatch.setenv("SQLITEVAULT_CONFIG", str(folder / "own.toml"))
    assert init("--json").exit_code == 0
    assert (folder / "own.toml").exists()
    monkeypatch.setenv("SQLITEVAULT_CONFIG", str(folder / "missing" / "own.toml"))
    assert init().exit_code == 15


def test_only_an_ordinary_file_is_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLITEVAULT_CONFIG=/dev/null means no file; root must not rename a file over the device."""
    special = folder / "special"
    os.mkfifo(special)
    monkeypatch.setenv("SQLITEVAULT_CONFIG", str(special))
    monkeypatch.setattr(SettingsFile, "find", lambda _: SettingsFile(special))
    done = init("--yes")
    assert done.exit_code == 15
    assert "is not an ordinary file" in done.stderr
    assert special.is_fifo()
    assert list(folder.iterdir()) == [special]


def test_a_linked_file_stays_linked_and_keeps_its_mode(folder: Path) -> None:
    """The file may hold a secret address, and may lie in a folder of its own."""
    own = folder / "own.toml"
    own.write_text("[stage.prod]\nrto_minutes = 30\n", encoding="utf-8")
    own.chmod(0o600)
    Path("sqlitevault.toml").symlink_to(own)
    assert init("--yes", "--set", "memory_mb=2048").exit_code == 0
    assert Path("sqlitevault.toml").is_symlink()
    assert deployment() == DeploymentSettings(rto_minutes=30, memory_mb=2048)
    assert Path("sqlitevault.toml.bak").read_text(encoding="utf-8") == "[stage.prod]\nrto_minutes = 30\n"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("arguments", [(), ("--stage", "")])
def test_without_a_stage_the_only_one_is_changed(arguments: tuple[str, ...]) -> None:
    """Without `--stage`, the settings go into the file's only stage, which a deployment would use, too."""
    init("--stage", "test")
    assert init("--yes", *arguments, "--set", "rto_minutes=30").exit_code == 0
    assert file().stages.keys() == {"test"}
    assert deployment() == DeploymentSettings(stage="test", rto_minutes=30)


def test_on_a_terminal_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, Enter takes the default, a wrong answer is asked again, a file system leads to more questions."""
    monkeypatch.setattr("sqlitevault.cli.init._can_ask", lambda: True)
    own = OF_A_FILE_SYSTEM.values()
    answers = ["", "s3://mine/backups/", "not an address", "ops@example.com", "", "eu-west-1", "", *own]
    done = CliRunner().invoke(main, ["init"], input="\n".join([*answers, "", "", "", ""]))
    assert done.exit_code == 0, done.output
    assert "Error: alarm_email: String should match" in done.stderr
    assert file().command_line == {"vault": "s3://mine/backups/"}
    settings = deployment()
    assert (settings.alarm_email, settings.dr_region) == ("ops@example.com", "eu-west-1")
    assert settings.subnet_ids == ("subnet-0a", "subnet-0b")


def test_with_options_it_does_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """With options `init` does not ask, even on a terminal."""
    monkeypatch.setattr("sqlitevault.cli.init._can_ask", lambda: True)
    assert init("--set", "alarm_email=ops@example.com").output == "wrote sqlitevault.toml\n"
    assert deployment() == DeploymentSettings(alarm_email="ops@example.com")


def test_a_region_that_would_be_ignored_is_refused(folder: Path) -> None:
    """It names where to look for what is deployed, not where to deploy."""
    done = init("--region", "eu-west-1")
    assert done.exit_code == 2
    assert "--set region=eu-west-1" in done.stderr
    assert list(folder.iterdir()) == []


def test_zero_is_a_known_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The question shows user 0 as the present answer, and Enter keeps it."""
    chosen = [part for name, value in OF_A_FILE_SYSTEM.items() for part in ("--set", f"{name}={value}")]
    init(*chosen, "--set", "posix_user=0")
    monkeypatch.setattr("sqlitevault.cli.init._can_ask", lambda: True)
    monkeypatch.setattr("sqlitevault.cli.output.Output.confirm", lambda *_: True)
    done = CliRunner().invoke(main, ["init"], input="\n" * 20)
    assert "posix_user: User and group id of the functions on the file system. [0]:" in done.output
    assert deployment().posix_user == 0


@given(st.text() | st.integers() | st.lists(st.text()))
def test_every_value_is_written_as_toml_reads_it(value: object) -> None:
    """Any text, with quotes, line breaks, control characters and all of Unicode, is read back unchanged."""
    assert tomllib.loads(f"value = {_toml(value)}") == {"value": value}
