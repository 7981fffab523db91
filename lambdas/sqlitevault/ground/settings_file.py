"""The settings file `sqlitevault.toml`: a section `[command-line]`, and a section `[stage.NAME]` for each deployment.

It lies in the working directory, or where SQLITEVAULT_CONFIG says. Relative paths in it start at its folder.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.files import in_home
from sqlitevault.ground.settings import PLACES, Settings, mistakes
from sqlitevault.ground.stage import DeploymentSettings

FILE, VARIABLE = "sqlitevault.toml", "SQLITEVAULT_CONFIG"
COMMAND_LINE, STAGE = "command-line", "stage"
# The names allowed in the sections, and the settings that they stand for.
_COMMAND_LINE = {name: str(field.alias) for name, field in Settings.model_fields.items()}
_SECTIONS = {COMMAND_LINE: COMMAND_LINE, STAGE: STAGE}
_OF_STAGES = {name: name for name in DeploymentSettings.model_fields if name != STAGE}


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The sections of the file; without a file there are none."""

    path: Path
    command_line: Mapping[str, Any] = field(default_factory=dict)
    stages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def find(cls, env: Mapping[str, str]) -> "SettingsFile":
        """Read the file that SQLITEVAULT_CONFIG names, else `sqlitevault.toml` if it is here.

        Raises:
            ConfigError: the file is missing, cannot be read, is not TOML, or has other sections.
        """
        named = env.get(VARIABLE)
        path = Path(named or FILE)
        if not (named or path.exists()):
            return cls(path)
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:  # ValueError: it is not UTF-8, or not TOML
            raise _wrong_file(f"{path} cannot be read: {error}") from error
        for name in found.keys() - _SECTIONS.keys():
            raise _wrong_file(f"{path} [{name}]: no such section; the nearest is [{_nearest(name, _SECTIONS)}]")
        stages = found.get(STAGE, {})
        for name, section in [*found.items(), *(stages.items() if isinstance(stages, dict) else ())]:
            if not isinstance(section, dict):
                raise _wrong_file(f"{path} {name}: must lie in a section [{COMMAND_LINE}] or [{STAGE}.NAME]")
        return cls(path, found.get(COMMAND_LINE, {}), stages)

    def environment(self, env: Mapping[str, str]) -> tuple[dict[str, object], dict[str, str]]:
        """Return the command line's settings by variable, those of `env` first, and where those of the file stand.

        Raises:
            ConfigError: a key of the section is not a setting.
        """
        given = _Given()
        given.add(f"{self.path} [{COMMAND_LINE}]", self.command_line, _COMMAND_LINE)
        if given.wrong:
            raise _wrong_file("; ".join(given.wrong))
        own = {name: value for name, value in env.items() if value != ""}
        values: dict[str, object] = {name: self._place(name, value) for name, value in given.values.items()}
        return values | own, {name: origin for name, origin in given.origins.items() if name not in own}

    def _place(self, name: str, value: object) -> object:
        if name not in PLACES or not isinstance(value, str) or "://" in value:
            return value
        return str(self.path.parent / in_home(value))

    def deployment(self, overrides: Mapping[str, object], origin: str) -> DeploymentSettings:
        """Return the settings of the stage that `overrides` name, else of the only one here, else of `prod`.

        Raises:
            ConfigError: naming every unknown name and every wrong value, with where it stands.
        """
        stage = self._chosen(overrides.get(STAGE))
        given = _Given()
        given.add(f"{self.path} [{STAGE}.{stage}]", self.stages.get(stage, {}), _OF_STAGES)
        given.add(origin, {**overrides, STAGE: stage}, {STAGE: STAGE, **_OF_STAGES})
        try:
            settings = DeploymentSettings.model_validate(given.values)
        except ValidationError as error:
            given.wrong.extend(mistakes(error, given.origins))
        if given.wrong:
            listed = "".join(f"\n  {line}" for line in given.wrong)
            raise ConfigError(
                f"These settings cannot be deployed:{listed}", hint="Correct each of them; nothing was changed."
            )
        return settings

    @property
    def usual_stage(self) -> str:
        """The stage that is meant when none is named: the only one here, else `prod`."""
        return next(iter(self.stages)) if len(self.stages) == 1 else "prod"

    def _chosen(self, name: object) -> str:
        names = sorted(self.stages)
        stage = str(name or self.usual_stage)
        if names and stage not in names:
            raise ConfigError(
                f"{self.path} has no section [{STAGE}.{stage}], only {', '.join(f'[{STAGE}.{one}]' for one in names)}",
                hint="Choose one with `-c stage=NAME`, or add the section, which may be empty.",
            )
        return stage


@dataclass(frozen=True, slots=True)
class _Given:
    """Settings as given, by name: their values, where each stands, and what cannot be a setting."""

    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, origin: str, values: Mapping[str, object], known: Mapping[str, str]) -> None:
        """Let `values` override earlier ones; empty ones count as not given."""
        for name, value in values.items():
            if name not in known:
                self.wrong.append(f"{origin} {name}: no such setting; the nearest is {_nearest(name, known)}")
            elif isinstance(value, bool):
                self.wrong.append(f"{origin} {name}: must be a text, a number or a list")
            elif value not in ("", None):
                self.values[known[name]], self.origins[known[name]] = value, f"{origin} {name}"


def _nearest(name: str, known: Mapping[str, str]) -> str:
    by_variable = {variable: setting for setting, variable in known.items()}
    return by_variable.get(name) or get_close_matches(name.lower(), known, n=1, cutoff=0)[0]


def _wrong_file(message: str) -> ConfigError:
    return ConfigError(message, hint=f"Correct the file, or set {VARIABLE}=/dev/null to do without it.")
