"""The deployment's settings: the settings file, and CDK's context (`cdk deploy -c name=value`) over it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.settings_file import SettingsFile
from sqlitevault.ground.stage import DeploymentSettings

_PROFILES = Path(__file__).parents[1] / "lambdas" / "sqlitevault" / "profiles"
# Feature flags, options of the command line, and answers that CDK keeps in cdk.context.json.
_CDKS_OWN = re.compile(r"^(@|aws:|aws-cdk:|cdk-)|:account=")


def from_context(context: Mapping[str, Any], file: SettingsFile) -> DeploymentSettings:
    """Read the settings; empty values count as not given.

    Raises:
        ConfigError: naming every unknown name and every wrong value, with its origin.
    """
    given = {name: value for name, value in context.items() if not _CDKS_OWN.search(name)}
    settings = file.deployment(given, "-c")
    profiles = sorted(path.stem for path in _PROFILES.glob("[a-z]*.py"))
    if settings.application_profile not in profiles:
        raise ConfigError(
            f"there is no application_profile {settings.application_profile!r}",
            hint=f"Give one of {', '.join(profiles)}.",
        )
    return settings
