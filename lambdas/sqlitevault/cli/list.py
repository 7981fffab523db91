"""`sqlitevault list`."""

from datetime import datetime

import click
from rich.markup import escape
from rich.table import Table

from sqlitevault.catalog.catalog import Backup, Catalog, Contents, Uncommitted
from sqlitevault.catalog.manifest import created_at, format_time, is_ahead
from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.output import print_json, stderr, stdout
from sqlitevault.ground.quantities import duration, size
from sqlitevault.site import utc_now
from sqlitevault.vault.opening import open_vault


@click.command("list", epilog=epilog(UNAVAILABLE))
@options.from_vault
@options.as_json
@reporting_errors
def list_backups(*, location: str | None, as_json: bool) -> None:
    """List the backups in a vault, newest first, and whether a drill has proven each."""
    vault = open_vault(options.settings_to_restore(vault=location).vault)
    contents = Catalog(vault).contents()
    if as_json:
        print_json([_as_json(backup) for backup in contents.backups] + [_bare(left) for left in contents.uncommitted])
    elif not contents.backups and not contents.uncommitted:
        stderr().print(f"no backups in {vault.location}")
    else:
        stdout().print(_table(contents, utc_now()))
    for unreadable in contents.unreadable:
        stderr().print(f"[yellow]unreadable:[/] {escape(f'{unreadable.name}: {unreadable.error}')}")


def _table(contents: Contents, moment: datetime) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("backup", "tier", "age"):
        table.add_column(heading, no_wrap=True)
    for heading in ("database", "archive", "rows"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("proven", overflow="fold")
    for backup in contents.backups:
        manifest = backup.manifest
        table.add_row(
            backup.id,
            manifest.tier,
            _age(manifest.created_at, moment),
            size(manifest.database.bytes if manifest.database else None),
            size(backup.archive.bytes),
            f"{manifest.rows:,}" if manifest.database else "-",
            _proof(backup),
        )
    for left in contents.uncommitted:
        age = _age(created_at(left.id), moment)
        table.add_row(left.id, "-", age, "-", size(left.archive.bytes), "-", "no manifest: restore by path")
    return table


def _age(taken: datetime, moment: datetime) -> str:
    return "[red]in the future[/]" if is_ahead(taken, moment) else duration((moment - taken).total_seconds())


def _proof(backup: Backup) -> str:
    if backup.doubt is not None:
        return f"[red]NO: {backup.doubt}[/]"
    if backup.drill is None:
        return "not yet"
    return f"[green]yes[/], recovered in {backup.drill.recovery_seconds:.1f} s"


def _as_json(backup: Backup) -> dict[str, object]:
    manifest = backup.manifest
    return {
        "backup_id": backup.id,
        "archive": backup.archive.name,
        "tier": manifest.tier,
        "scope": manifest.scope,
        "created_at": format_time(manifest.created_at),
        "age_seconds": round((utc_now() - manifest.created_at).total_seconds()),
        "database_bytes": manifest.database.bytes if manifest.database else None,
        "archive_bytes": backup.archive.bytes,
        "rows": manifest.rows if manifest.database else None,
        "proven": backup.proven,
        "recovery_seconds": backup.drill.recovery_seconds if backup.drill else None,
        "doubt": backup.doubt,
    }


def _bare(left: Uncommitted) -> dict[str, object]:
    return {
        "backup_id": left.id,
        "archive": left.archive.name,
        "created_at": format_time(created_at(left.id)),
        "archive_bytes": left.archive.bytes,
        "proven": False,
        "doubt": "no manifest",
    }
