"""Options of `sqlitevault restore`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.selection import LATEST, Choice, Selected
from sqlitevault.cli import options
from sqlitevault.cli.output import Output
from sqlitevault.ground.errors import ConfigError
from sqlitevault.site import Site


def _moment(text: str | None) -> datetime | None:
    """Parse a time in ISO format; without a zone it is UTC."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is not a time", hint="Write it as 2026-01-31T02:00:00Z or 2026-01-31 02:00 (UTC)."
        ) from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Which:
    """The backup to restore, named in one of five ways, and its vault if not BACKUP_DIR."""

    backup: str | None
    from_s3: str | None
    location: str | None
    latest: bool
    at: str | None
    before_incident: str | None

    def select(self, site: Site, scope: Scope) -> Selected:
        """Return the backup.

        Raises:
            ConfigError: it is not named in exactly one way.
            BackupNotFound, VaultUnavailable: as for `options.selected`.
        """
        names = [name for name in (self.backup, self.from_s3) if name is not None]
        at, before = _moment(self.at), _moment(self.before_incident)
        newest = self.latest or at is not None or before is not None
        if len(names) + newest != 1 or (at is not None and before is not None):
            raise ConfigError(
                "name one backup: BACKUP, --from-s3 URI, --latest, --at TIME or --before-incident TIME",
                hint="`sqlitevault list` shows the backups; `--latest --dry-run` shows what would happen.",
            )
        choice = Choice(at=at, before=before, scope=scope, database=site.database_name)
        return options.selected(names[0] if names else LATEST, site, choice)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables to restore; none for the whole database."""

    names: tuple[str, ...]
    merge: bool
    missing_only: bool

    @property
    def merges(self) -> bool:
        """Whether the live database is to be changed."""
        return self.merge or self.missing_only

    def require_fit(self, target: Path | None, scope: Scope, *, undo: bool) -> None:
        """Check that the options fit together.

        Raises:
            ConfigError: they do not.
        """
        if self.merges and not self.names:
            raise ConfigError("--merge and --missing-only are for single tables", hint="Name them with --table.")
        if self.merges and target is not None:
            raise ConfigError(
                "--target is the place of a side database; a merge goes into the live one",
                hint="Leave --target out, or point DATABASE_PATH at the database to merge into.",
            )
        if self.names and (undo or scope is Scope.CONFIG):
            raise ConfigError("--table excludes --config-only and --undo", hint="Give one of them.")


@dataclass(frozen=True, slots=True)
class Way:
    """The way to restore."""

    target: Path | None
    dry_run: bool
    yes: bool
    force: bool
    backup_after: bool
    salvage: bool
    undo: bool

    def require_fit(self, which: Which) -> None:
        """Check that `--undo` has no option that it would ignore.

        Raises:
            ConfigError: it has.
        """
        named = which.backup or which.from_s3 or which.latest or which.at or which.before_incident
        if self.undo and (named or self.dry_run or self.backup_after or self.salvage):
            raise ConfigError(
                "--undo excludes a backup, --dry-run, --backup-after and --salvage",
                hint="`restore --undo` asks before it puts back what the last restore replaced.",
            )

    def agreed(self, question: str, out: Output) -> bool:
        """Ask, unless `--yes` or `--force` has answered."""
        return self.yes or self.force or out.confirm(question)


choose_which = options.bundle(
    "which",
    Which,
    click.argument("backup", required=False),
    click.option("--from-s3", metavar="URI", help="s3:// URI of an archive; …/latest.tar.gz is the newest one there."),
    options.from_vault,
    click.option("--latest", is_flag=True, help="The newest good backup."),
    click.option("--at", metavar="TIME", help="The newest good backup not after TIME (UTC unless TIME has a zone)."),
    click.option("--before-incident", metavar="TIME", help="The newest good backup before TIME."),
)
choose_tables = options.bundle(
    "tables",
    Tables,
    click.option("--table", "names", metavar="NAME", multiple=True, help="Only this table, into a side database."),
    click.option("--merge", is_flag=True, help="Merge it into the live database by primary key; newer rows stay."),
    click.option("--missing-only", is_flag=True, help="As --merge, but only bring back deleted rows."),
)
choose_way = options.bundle(
    "way",
    Way,
    click.option("--target", type=click.Path(path_type=Path), help="Restore the database to this path instead."),
    click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
    click.option("--yes", is_flag=True, help="Do not ask before overwriting."),
    click.option("--force", is_flag=True, help="Do not ask, and continue although the database is open elsewhere."),
    click.option("--backup-after", is_flag=True, help="Take a fresh backup afterwards, into BACKUP_DIR, and prove it."),
    click.option("--salvage", is_flag=True, help="If no copy can be proven, restore what can be read, unproven."),
    click.option("--undo", is_flag=True, help="Put back the database that the last restore replaced."),
)
