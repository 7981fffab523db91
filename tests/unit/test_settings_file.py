"""Tests of the command line's settings file: its precedence, its paths, and mistakes by file, section and key."""

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
    """Options override the environment, which overrides the file; empty variables and empty values count as unset."""
    env = written(
        tmp_path,
        '[command-line]\nretain_days = 7\nrpo_seconds = 600\nrto_seconds = 60\nvault = "s3://a/b/"\nreplica = ""\n',
    )
    settings = read(env | {"RPO_SECONDS": "1200", "BACKUP_RETAIN": ""}, rto_seconds=90)
    assert (settings.retain_days, settings.rpo_seconds, settings.rto_seconds) == (7, 1200, 90)
    assert (settings.vault, settings.replica) == ("s3://a/b/", None)


def test_relative_paths_start_at_the_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths start at the file's folder, because cron runs in another one; `~` is the home folder."""
    monkeypatch.setenv("HOME", "/home/hub")
    env = written(
        tmp_path,
        '[command-line]\ndatabase_path = "../data/hub.db"\nvault = "backups"\nscratch = "~/s"\nreplica = "/mnt/r"\n',
    )
    settings = read(env)
    assert settings.database_path.resolve() == tmp_path / "data" / "hub.db"
    assert Path(settings.vault) == tmp_path / "conf" / "backups"
    assert (settings.scratch, settings.replica) == (Path("/home/hub/s"), "/mnt/r")


def test_an_unknown_users_home_is_a_plain_name(tmp_path: Path) -> None:
    """As in a shell."""
    assert Path(read(written(tmp_path, '[command-line]\nvault = "~nobody-here/b"\n')).vault).name == "b"


def test_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    """Windows editors write both."""
    env = written(tmp_path, "\ufeff[command-line]\r\nretain_days = 7\r\n")
    assert read(env).retain_days == 7


def test_in_the_working_directory_paths_stay_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the file in the working directory, paths stay as written, so messages show familiar paths."""
    monkeypatch.chdir(tmp_path)
    Path("sqlitevault.toml").write_text('[command-line]\ndatabase_path = "data/hub.db"\n', encoding="utf-8")
    assert read({}).database_path == Path("data/hub.db")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[command-line\n", "own.toml cannot be read: ", id="not TOML"),
        pytest.param("[comand-line]\n", r"[comand-line]: no such section; the nearest is [command-line]", id="section"),
        pytest.param('vault = "x"\n', "[vault]: no such section", id="outside the sections"),
        pytest.param('stage = "prod"\n', "own.toml stage: must lie in a section", id="stage is not a section"),
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
def test_mistakes_are_named_with_file_section_and_key(tmp_path: Path, text: str, message: str) -> None:
    """The error names file, section and key, but not the value, which may contain a secret."""
    with pytest.raises(ConfigError) as caught:
        read(written(tmp_path, text))
    assert message in str(caught.value)
    assert "soon" not in str(caught.value)
    assert caught.value.hint


def test_a_missing_file_is_an_error_only_if_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file the defaults apply, as they do with /dev/null; a named file must exist."""
    monkeypatch.chdir(tmp_path)
    assert read({}) == read({"SQLITEVAULT_CONFIG": ""}) == read({"SQLITEVAULT_CONFIG": "/dev/null"}) == Settings()
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read"):
        read({"SQLITEVAULT_CONFIG": "nowhere.toml"})


def test_mistakes_in_the_environment_are_named_by_variable(tmp_path: Path) -> None:
    """A wrong variable is not reported as a mistake in the file that it overrides."""
    env = written(tmp_path, "[command-line]\nretain_days = 7\n")
    with pytest.raises(ConfigError, match=r"^wrong settings: BACKUP_RETAIN: "):
        read(env | {"BACKUP_RETAIN": "soon"})
