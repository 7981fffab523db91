"""The settings file of the command line: below the environment, with its mistakes named by file, section and key."""

from pathlib import Path

import pytest

from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.settings import Settings
from sqlitevault.ground.settings_file import SettingsFile


def written(folder: Path, text: str) -> dict[str, str]:
    """Write a settings file and return the environment that names it."""
    path = folder / "conf" / "own.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return {"SQLITEVAULT_CONFIG": str(path)}


def read(env: dict[str, str], **overrides: object) -> Settings:
    """Read the settings as the command line does."""
    known, origins = SettingsFile.find(env).environment(env)
    return Settings.from_env(known, origins=origins, **overrides)


def test_the_environment_overrides_the_file_and_options_override_both(tmp_path: Path) -> None:
    """An empty variable leaves the file's value; `replica = ""` is no value."""
    env = written(
        tmp_path,
        '[command-line]\nretain_days = 7\nrpo_seconds = 600\nrto_seconds = 60\nvault = "s3://a/b/"\nreplica = ""\n',
    )
    settings = read(env | {"RPO_SECONDS": "1200", "BACKUP_RETAIN": ""}, rto_seconds=90)
    assert (settings.retain_days, settings.rpo_seconds, settings.rto_seconds) == (7, 1200, 90)
    assert (settings.vault, settings.replica) == ("s3://a/b/", None)


def test_relative_paths_start_at_the_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cron runs in another folder than the user who wrote the file; `~` is the home folder."""
    monkeypatch.setenv("HOME", "/home/hub")
    env = written(
        tmp_path,
        '[command-line]\ndatabase_path = "../data/hub.db"\nvault = "backups"\nscratch = "~/s"\nreplica = "/mnt/r"\n',
    )
    settings = read(env)
    assert settings.database_path.resolve() == tmp_path / "data" / "hub.db"
    assert Path(settings.vault) == tmp_path / "conf" / "backups"
    assert (settings.scratch, settings.replica) == (Path("/home/hub/s"), "/mnt/r")


def test_in_the_working_directory_paths_stay_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages show the paths that the user knows."""
    monkeypatch.chdir(tmp_path)
    Path("sqlitevault.toml").write_text('[command-line]\ndatabase_path = "data/hub.db"\n', encoding="utf-8")
    assert read({}).database_path == Path("data/hub.db")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("[command-line\n", "own.toml cannot be read: ", id="no TOML"),
        pytest.param("[comand-line]\n", r"[comand-line]: no such section; the nearest is [command-line]", id="section"),
        pytest.param('vault = "x"\n', "[vault]: no such section", id="outside the sections"),
        pytest.param('stage = "prod"\n', "own.toml stage: must lie in a section", id="stage is no section"),
        pytest.param('[stage]\nregion = "x"\n', "own.toml region: must lie in a section", id="stage without a name"),
        pytest.param("[command-line]\nretaindays = 1\n", "no such setting; the nearest is retain_days", id="key"),
        pytest.param('[command-line]\nBACKUP_DIR = "x"\n', "the nearest is vault", id="a variable's name"),
        pytest.param("[command-line]\nretain_days = true\n", "own.toml [command-line] retain_days: must be", id="true"),
        pytest.param(
            '[command-line]\nretain_days = "soon"\nheartbeat_url = "here"\n',
            "own.toml [command-line] retain_days: Input should be a valid integer",
            id="wrong value",
        ),
    ],
)
def test_mistakes_are_named_with_file_section_and_key(tmp_path: Path, text: str, told: str) -> None:
    """Values are not shown: an address may hold a secret."""
    with pytest.raises(ConfigError) as caught:
        read(written(tmp_path, text))
    assert told in str(caught.value)
    assert "soon" not in str(caught.value)
    assert caught.value.hint


def test_a_missing_file_is_an_error_only_if_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file the defaults hold; /dev/null is an empty one."""
    monkeypatch.chdir(tmp_path)
    assert read({}) == read({"SQLITEVAULT_CONFIG": ""}) == read({"SQLITEVAULT_CONFIG": "/dev/null"}) == Settings()
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read"):
        read({"SQLITEVAULT_CONFIG": "nowhere.toml"})


def test_the_environments_mistakes_keep_their_variables(tmp_path: Path) -> None:
    """What the environment overrides is not blamed on the file."""
    env = written(tmp_path, "[command-line]\nretain_days = 7\n")
    with pytest.raises(ConfigError, match=r"^wrong settings: BACKUP_RETAIN: "):
        read(env | {"BACKUP_RETAIN": "soon"})
