"""`sqlitevault keys`."""

from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.markup import escape
from rich.table import Table

from sqlitevault.catalog.manifest import Scope
from sqlitevault.cli import options
from sqlitevault.cli.database_copy import copy_of
from sqlitevault.cli.exit_codes import BUSY, DRILL, INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.output import print_json, progress, stderr, stdout
from sqlitevault.cli.proven_backup import request_for, take
from sqlitevault.devops_hub.api_keys import ApiKey, list_keys, require_keys, revoke_all
from sqlitevault.ground.errors import ConfigError
from sqlitevault.vault.opening import open_vault


@click.group()
def keys() -> None:
    """Look at the application's API keys, or revoke them all after a breach. Hashes are never shown."""


@keys.command("list", epilog=epilog(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, NO_ROOM))
@options.of_backup
@options.from_vault
@options.as_json
@reporting_errors
def list_all(*, backup: str | None, location: str | None, as_json: bool) -> None:
    """List the keys in the live database or in a backup: id, name, scopes, whether active; never the hash."""
    settings = options.settings_to_restore(vault=location)
    with progress(quiet=as_json) as watcher, copy_of(backup, settings, watcher) as (name, copy):
        found = list_keys(copy)
    if as_json:
        print_json({"of": name, "keys": [asdict(key) for key in found]})
    elif found:
        stdout().print(_table(found))
    else:
        stderr().print(f"no keys in {escape(name)}")


@keys.command(epilog=epilog(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, DRILL, NO_ROOM))
@click.option("--all", "everything", is_flag=True, help="Every key. Has to be given: it is all or none.")
@click.option("--to", "location", metavar="URI", help="The vault for the backup before it, if not BACKUP_DIR.")
@options.as_json
@reporting_errors
def revoke(*, everything: bool, location: str | None, as_json: bool) -> None:
    """Make every key of the live database inactive: sets is_active = 0, in one transaction.

    Takes a backup first and proves it; if that fails, no key is touched. To bring keys back, look them up with
    `keys list --backup ID` and create them anew in the application: those that leaked must stay revoked.
    """
    if not everything:
        raise ConfigError("keys are revoked all together", hint="Give --all; single keys are the application's task.")
    settings = options.settings_to_restore(vault=location)
    require_keys(settings.database_path)
    vault = open_vault(settings.vault)
    with progress(quiet=as_json) as watcher:
        # What DRILL_SQL asks of a database may be just what a breach has undone: it must not keep the keys alive.
        unasked = settings.model_copy(update={"drill_sql": None})
        taken = take(request_for(settings, scope=Scope.DATABASE), vault, unasked, watcher)
    taken.require_no_failure()
    revoked = revoke_all(settings.database_path)
    if as_json:
        print_json({"revoked": revoked, "backup_id": taken.report.backup_id, "vault": vault.location})
    else:
        stdout().print(f"backup before it: [bold]{taken.report.backup_id}[/] in {escape(vault.location)}")
        stdout().print(f"[bold]{revoked} keys revoked[/]")


def _table(found: Sequence[ApiKey]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "name", "scopes", "active", "created", "expires"):
        table.add_column(heading, overflow="fold")
    for key in found:
        texts = map(escape, (key.id, key.name, key.scopes))
        active = "[green]yes[/]" if key.is_active else "no"
        table.add_row(*texts, active, escape(key.created_at), escape(key.expires_at))
    return table
