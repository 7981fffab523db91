"""Tests of application profiles: only they, and the defaults of the settings, name anything of DevOps Hub."""

import re
from pathlib import Path

import pytest

from sqlitevault.ground.errors import ConfigError
from sqlitevault.profiles import load_profile

CORE = Path(__file__).parents[2] / "lambdas"
OF_DEVOPS_HUB = re.compile(r"api_keys|/health|/agents|devops|hitl|nginx|alembic|k8s", re.IGNORECASE)
DEFAULTS = {"ground/settings.py", "ground/stage.py"}


def test_the_core_names_nothing_of_devops_hub() -> None:
    """The core names no table, endpoint or file of DevOps Hub, except in the defaults of the settings."""
    sources = {path.relative_to(CORE / "sqlitevault").as_posix(): path for path in CORE.glob("sqlitevault/**/*.py")}
    naming = {name for name, path in sources.items() if OF_DEVOPS_HUB.search(path.read_text())}
    assert naming == {"profiles/devops_hub.py"} | DEFAULTS
    defaults = [line for name in DEFAULTS for line in sources[name].read_text().splitlines()]
    assert all("Field(" in line or "devops_hub, or generic" in line for line in defaults if OF_DEVOPS_HUB.search(line))


@pytest.mark.parametrize("name", ["devops_hub", "generic"])
def test_each_profile_has_the_name_that_selects_it(name: str) -> None:
    """A profile's name is the one that selects it."""
    assert load_profile(name).name == name


def test_shown_columns_contain_no_hash() -> None:
    """The shown columns of the key table contain no hash, so an archive does not help to guess keys."""
    keys = load_profile("devops_hub").require_keys()
    assert not any("hash" in column for column in keys.columns)
    assert {keys.label, keys.active} < set(keys.columns)


def test_a_profile_without_tables_raises_a_config_error() -> None:
    """Profile `generic` has no key or event table, and the hint names the setting."""
    for require in (load_profile("generic").require_keys, load_profile("generic").require_events):
        with pytest.raises(ConfigError, match="profile generic names no") as caught:
            require()
        assert "APPLICATION_PROFILE" in caught.value.hint


@pytest.mark.parametrize("name", ["", "devopshub", "__init__", "..devops_hub"])
def test_an_unknown_profile_is_refused(name: str) -> None:
    """The hint for an unknown profile lists the known ones."""
    with pytest.raises(ConfigError) as caught:
        load_profile(name)
    assert "devops_hub, generic" in caught.value.hint
