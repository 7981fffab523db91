"""CDK entry point: two stacks, the recovery region first, since the vault replicates into it."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lambdas"))  # the settings' names, shared with the functions

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.context import from_context
from infra.primary_stack import PrimaryStack
from infra.recovery_stack import RecoveryStack
from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.settings_file import SettingsFile
from sqlitevault.ground.stage import stack_names


def main() -> None:
    """Synthesise both stacks; wrong settings end with their names and no traceback."""
    app = cdk.App()
    try:
        settings = from_context(app.node.get_all_context(), SettingsFile.find(os.environ))
    except ConfigError as error:
        sys.exit(f"{error}\n{error.hint}")
    primary_name, recovery_name = stack_names(settings.stage)
    recovery = RecoveryStack(app, recovery_name, settings=settings)
    primary = PrimaryStack(app, primary_name, settings=settings)
    primary.add_stack_dependency(recovery)
    cdk.Tags.of(app).add("Application", "sqlitevault")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


main()
