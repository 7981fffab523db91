"""`sqlitevault keys`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import click
from rich.markup import escape
from rich.table import Table

from sqlitevault.backup.backup import Order
from sqlitevault.catalog.manifest import Scope
from sqlitevault.cli import options
from sqlitevault.cli.backup import take
from sqlitevault.cli.exit_codes import BUSY, DRILL, INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE
from sqlitevault.cli.output import Output, table
from sqlitevault.database.application_tables import list_keys, require_keys, revoke_all
from sqlitevault.ground.errors import ConfigError
from sqlitevault.restore.retrieval import private_copy


@click.group()
def keys() -> None:
    """List the application's API keys, or revoke them all.

    Hashes of keys are never shown.
    """


@options.command(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, NO_ROOM, name="list")
@options.of_backup
@options.from_vault
def list_all(out: Output, *, backup: str, location: str | None) -> None:
    """List the keys in the live database or in a backup.

    Shows id, name, scopes and whether the key is active; never the hash.
    """
    site = options.site_to_restore(vault=location)
    keys_of, selected = site.profile.require_keys(), options.live_or_backup(backup, site)
    with out.progress() as watcher, private_copy(site, selected, watcher) as (name, copy):
        found = list_keys(copy, keys_of)
    out.give({"of": name, "keys": found}, [_keys(found)] if found else [], empty="" if found else f"no keys in {name}")


@options.command(NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, DRILL, NO_ROOM)
@click.option("--all", "everything", is_flag=True, help="Required: keys are only revoked all together.")
@click.option("--to", "location", metavar="URI", help="The vault for the backup taken first, if not BACKUP_DIR.")
def revoke(out: Output, *, everything: bool, location: str | None) -> None:
    """Deactivate every key of the live database.

    This is one transaction. A backup is taken and proven first; if that fails, no key is changed. To replace the keys,
    look them up with `keys list --backup ID` and create new ones in the application: leaked keys must stay revoked.
    """
    if not everything:
        raise ConfigError(
            "keys are only revoked all together", hint="Give --all; revoke single keys in the application."
        )
    site = options.site_to_restore(vault=location)
    settings, keys_of = site.settings, site.profile.require_keys()
    require_keys(settings.database_path, keys_of)
    with out.progress() as watcher:
        # A breach may have changed the very rows that DRILL_SQL asks about: that must not keep the keys active.
        unasked = replace(site, settings=settings.model_copy(update={"drill_sql": None}))
        taken = take(unasked, Order(scope=Scope.DATABASE), watcher)
    taken.require_no_failure()
    revoked = revoke_all(settings.database_path, keys_of)
    document = {"revoked": revoked, "backup_id": taken.report.backup_id, "vault": site.vault.location}
    shown = f"backup taken first: [bold]{taken.report.backup_id}[/] in {escape(site.vault.location)}"
    out.give(document, [shown, f"[bold]{revoked} keys revoked[/]"])


keys.add_command(list_all)
keys.add_command(revoke)


def _keys(found: Sequence[Mapping[str, str | bool]]) -> Table:
    shown = table(*(column.removeprefix("is_").removesuffix("_at") for column in found[0]))
    for key in found:
        cells = (escape(value) if isinstance(value, str) else ("no", "[green]yes[/]")[value] for value in key.values())
        shown.add_row(*cells)
    return shown
