"""The `sqlitevault` command, a module for each verb."""

from importlib import import_module
from typing import cast

import click

from sqlitevault import __version__

# Module and function of each verb. A verb is imported when it is used: importing all of them takes half a second.
_VERBS = {
    "backup": "backup:backup",
    "list": "list:list_backups",
    "verify": "verify:verify",
    "restore": "restore:restore",
    "drill": "drill:drill",
    "diff": "diff:diff",
    "keys": "keys:keys",
    "audit": "audit:audit",
    "readiness": "readiness:readiness",
    "metrics": "metrics:show_metrics",
    "report": "report:report",
    "doctor": "doctor:doctor",
    "init": "init:init",
}


class _Verbs(click.Group):
    """The verbs, by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _VERBS:
            return None
        module, _, verb = _VERBS[cmd_name].partition(":")
        return cast("click.Command", getattr(import_module(f"sqlitevault.cli.{module}"), verb))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the settings with their defaults."""
        from sqlitevault.ground.settings import Settings  # noqa: PLC0415 - only this help needs pydantic

        settings = [
            (str(field.alias), f"{field.description} " + (f"(default {field.default})" if field.default else ""))
            for field in Settings.model_fields.values()
        ]
        with formatter.section("Settings, from the environment or sqlitevault.toml"):
            formatter.write_dl(settings)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sqlitevault")
def main() -> None:
    """Back up a live SQLite database, prove that the backup restores, and restore it."""
