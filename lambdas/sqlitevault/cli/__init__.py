"""The `sqlitevault` command, a module for each verb."""

from importlib import import_module
from typing import cast

import click

from sqlitevault import __version__

_VERBS = (
    *("audit", "backup", "diff", "doctor", "drill", "init", "keys", "list", "metrics", "readiness", "report"),
    *("restore", "verify"),
)
# The function of each verb in its module, where that is not named like the verb.
_FUNCTIONS = {"list": "list_backups", "metrics": "show_metrics"}


class _Verbs(click.Group):
    """The verbs, each imported when it is used: importing all of them takes half a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _VERBS:
            return None
        module = import_module(f"sqlitevault.cli.{cmd_name}")
        return cast("click.Command", getattr(module, _FUNCTIONS.get(cmd_name, cmd_name)))

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
