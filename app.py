"""CDK entry point: two stacks, the recovery region first, since the vault replicates into it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lambdas"))  # the settings' names, shared with the functions

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.context import ContextError, from_context
from infra.primary_stack import PrimaryStack
from infra.recovery_stack import RecoveryStack


def main() -> None:
    """Synthesise both stacks; wrong settings end with their names instead of a traceback."""
    app = cdk.App()
    try:
        settings = from_context(app.node.try_get_context)
    except ContextError as error:
        sys.exit(str(error))
    recovery = RecoveryStack(app, f"SqliteVault-{settings.stage}-recovery", settings=settings)
    primary = PrimaryStack(app, f"SqliteVault-{settings.stage}", settings=settings)
    primary.add_stack_dependency(recovery)
    cdk.Tags.of(app).add("Application", "sqlitevault")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


main()
