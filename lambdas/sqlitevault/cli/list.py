"""`sqlitevault list`."""

from datetime import datetime

from rich.markup import escape
from rich.table import Table

from sqlitevault.catalog.catalog import Backup, Catalog, Contents
from sqlitevault.catalog.names import created_at, id_in
from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import UNAVAILABLE
from sqlitevault.cli.output import Output, count, stderr, table
from sqlitevault.ground.quantities import duration, format_time, is_ahead, size
from sqlitevault.vault.protocol import StoredObject


@options.command(UNAVAILABLE, name="list")
@options.from_vault
def list_backups(out: Output, *, location: str | None) -> None:
    """List the backups in a vault, newest first.

    The last column shows whether a drill has proven the backup.
    """
    site = options.site_to_restore(vault=location)
    contents, now = Catalog(site.vault).contents(), site.now()
    document = [_as_json(backup, now) for backup in contents.backups] + [_bare(left) for left in contents.uncommitted]
    out.give(document, [_table(contents, now)], empty="" if document else f"no backups in {site.vault.location}")
    for unreadable in contents.unreadable:
        stderr().print(f"[yellow]unreadable:[/] {escape(f'{unreadable.name}: {unreadable.error}')}")


def _table(contents: Contents, moment: datetime) -> Table:
    shown = table("backup", "tier", "age", figures=("database", "archive", "rows"))
    for column in shown.columns:
        column.no_wrap = True
    shown.add_column("proven", overflow="fold")
    for backup in contents.backups:
        manifest = backup.manifest
        shown.add_row(
            backup.id,
            manifest.tier,
            _age(manifest.created_at, moment),
            size(manifest.database.bytes if manifest.database else None),
            size(backup.archive.bytes),
            count(manifest.rows if manifest.database else None),
            _proof(backup),
        )
    for left in contents.uncommitted:
        age = _age(created_at(id_in(left.name)), moment)
        shown.add_row(id_in(left.name), "-", age, "-", size(left.bytes), "-", "no manifest: restore by path")
    return shown


def _age(taken: datetime, moment: datetime) -> str:
    return "[red]in the future[/]" if is_ahead(taken, moment) else duration((moment - taken).total_seconds())


def _proof(backup: Backup) -> str:
    if backup.doubt is not None:
        return f"[red]NO: {backup.doubt}[/]"
    if backup.drill is None:
        return "not yet"
    return f"[green]yes[/], recovered in {backup.drill.recovery_seconds:.1f} s"


def _as_json(backup: Backup, now: datetime) -> dict[str, object]:
    manifest = backup.manifest
    return {
        "backup_id": backup.id,
        "archive": backup.archive.name,
        "tier": manifest.tier,
        "scope": manifest.scope,
        "created_at": format_time(manifest.created_at),
        "age_seconds": round((now - manifest.created_at).total_seconds()),
        "database_bytes": manifest.database.bytes if manifest.database else None,
        "archive_bytes": backup.archive.bytes,
        "rows": manifest.rows if manifest.database else None,
        "proven": backup.proven,
        "recovery_seconds": backup.drill.recovery_seconds if backup.drill else None,
        "doubt": backup.doubt,
    }


def _bare(left: StoredObject) -> dict[str, object]:
    return {
        "backup_id": id_in(left.name),
        "archive": left.name,
        "created_at": format_time(created_at(id_in(left.name))),
        "archive_bytes": left.bytes,
        "proven": False,
        "doubt": "no manifest",
    }
