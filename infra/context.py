"""The deployment's settings: the settings file, and CDK's context (`cdk deploy -c name=value`) over it."""

import re
from collections.abc import Mapping
from typing import Any

from sqlitevault.ground.settings_file import SettingsFile
from sqlitevault.ground.stage import DeploymentSettings

# Feature flags, options of the command line, and answers that CDK keeps in cdk.context.json.
_CDKS_OWN = re.compile(r"^(@|aws:|aws-cdk:|cdk-)|:account=")


def from_context(context: Mapping[str, Any], file: SettingsFile) -> DeploymentSettings:
    """Read the settings; empty values count as not given.

    Raises:
        ConfigError: naming every unknown name and every wrong value, with its origin.
    """
    given = {name: value for name, value in context.items() if not _CDKS_OWN.search(name)}
    return file.deployment(given, "-c")
