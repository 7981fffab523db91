"""Tests of settings: defaults, mistakes, overrides, and a round trip through a function's environment."""

from pathlib import Path

import pytest

from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.settings import Settings


def test_defaults_fit_devops_hub() -> None:
    """In an empty environment the paths and targets are those of the guide."""
    settings = Settings.from_env({})
    assert settings.database_path == Path("data/devops_hub.db")
    assert (settings.vault, settings.retain_days) == ("backups", 30)
    assert (settings.rpo_seconds, settings.rto_seconds) == (3600, 900)


def test_every_mistake_is_named_at_once() -> None:
    """Two wrong variables raise one error that names both."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({"BACKUP_RETAIN": "soon", "RPO_SECONDS": "-1"})
    assert "BACKUP_RETAIN" in str(caught.value)
    assert "RPO_SECONDS" in str(caught.value)


def test_an_empty_variable_counts_as_unset() -> None:
    """An empty variable means the default, not an empty path."""
    assert Settings.from_env({"BACKUP_DIR": ""}).vault == "backups"


def test_overrides_take_precedence_over_the_environment() -> None:
    """An option on the command line overrides the variable; an option that is not given does not."""
    settings = Settings.from_env({"BACKUP_DIR": "a", "DATABASE_PATH": "x.db"}, vault="b", database_path=None)
    assert (settings.vault, settings.database_path) == ("b", Path("x.db"))


def test_settings_survive_a_round_trip_through_the_environment() -> None:
    """A function reads the same settings that the deployment wrote to its environment."""
    settings = Settings.from_env({"REPLICA_URI": "s3://replica/backups/", "SCRATCH_DIR": "/tmp", "BACKUP_RETAIN": "7"})
    assert Settings.from_env(settings.to_environment()) == settings
