"""Stack outputs that record the settings, so that `sqlitevault init --from-deployed` can write the file again."""

from aws_cdk import CfnOutput, Stack

from sqlitevault.ground.stage import DeploymentSettings


def record_settings(stack: Stack, settings: DeploymentSettings) -> None:
    """Record all settings in the outputs of a stack; both regions do, in case one is lost."""
    for name, value in settings.to_outputs().items():
        CfnOutput(stack, name, value=value)
