"""Settings: read once, all mistakes named, and the same again through a function's environment."""

from pathlib import Path

import pytest

from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.settings import Settings


def test_defaults_fit_devops_hub() -> None:
    """With an empty environment the guide's paths and targets hold."""
    settings = Settings.from_env({})
    assert settings.database_path == Path("data/devops_hub.db")
    assert (settings.vault, settings.retain_days) == ("backups", 30)
    assert (settings.rpo_seconds, settings.rto_seconds) == (3600, 900)


def test_every_mistake_is_named_at_once() -> None:
    """Two wrong variables, one error, both names."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({"BACKUP_RETAIN": "soon", "RPO_SECONDS": "-1"})
    assert "BACKUP_RETAIN" in str(caught.value)
    assert "RPO_SECONDS" in str(caught.value)


def test_an_empty_variable_is_an_unset_one() -> None:
    """`BACKUP_DIR= sqlitevault backup` means the default, not the root of nothing."""
    assert Settings.from_env({"BACKUP_DIR": ""}).vault == "backups"


def test_overrides_win_over_the_environment() -> None:
    """An option on the command line beats the variable; an option not given does not."""
    settings = Settings.from_env({"BACKUP_DIR": "a", "DATABASE_PATH": "x.db"}, vault="b", database_path=None)
    assert (settings.vault, settings.database_path) == ("b", Path("x.db"))


def test_an_environment_written_is_an_environment_read() -> None:
    """What the infrastructure writes for a function is what the function reads."""
    settings = Settings.from_env({"REPLICA_URI": "s3://replica/backups/", "SCRATCH_DIR": "/tmp", "BACKUP_RETAIN": "7"})
    assert Settings.from_env(settings.to_environment()) == settings
