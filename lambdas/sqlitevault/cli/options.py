"""Shared parts of the verbs: their frame, common options, settings, and how the user names a backup."""

import inspect
import os
import sys
from collections.abc import Callable
from functools import wraps

import click
from rich.markup import escape

from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.names import is_backup_id
from sqlitevault.catalog.selection import LATEST, Choice, Selected, select, select_by_name
from sqlitevault.cli.exit_codes import epilog, exit_code
from sqlitevault.cli.output import Output, stderr
from sqlitevault.ground.errors import ConfigError, SqliteVaultError
from sqlitevault.ground.facts import ARCHIVE_SUFFIX
from sqlitevault.ground.settings import UPKEEP, Settings
from sqlitevault.ground.settings_file import SettingsFile
from sqlitevault.site import Site
from sqlitevault.vault.opening import split_backup_location

Verb = Callable[..., None]
LIVE = "live"  # the live database, where a backup can be named


def command(*codes: int, name: str | None = None) -> Callable[[Verb], click.Command]:
    """Make a function a verb that may end with these exit codes.

    The verb gets an Output as its first argument, made of `--json` and, if it has that option, `--quiet`; its errors
    become exit codes.
    """

    def decorate(verb: Verb) -> click.Command:
        @wraps(verb)
        def run(*, as_json: bool, quiet: bool = False, **given: object) -> None:
            out = Output(as_json=as_json, quiet=quiet)
            try:
                verb(out, **given)
            except SqliteVaultError as error:
                out.error(error)
                sys.exit(exit_code(error))

        made = click.command(name, epilog=epilog(*codes))(run)
        as_json = click.Option(["--json", "as_json"], is_flag=True, help="Print the result as JSON on stdout.")
        made.params.append(as_json)
        return made

    return decorate


def bundle(name: str, make: Callable[..., object], *options: Callable[[Verb], Verb]) -> Callable[[Verb], Verb]:
    """Add options to a verb, which gets them as one argument `name`.

    That argument is what `make`, whose parameters are named like the options, returns.
    """
    parts = tuple(inspect.signature(make).parameters)

    def decorate(verb: Verb) -> Verb:
        @wraps(verb)
        def run(*args: object, **given: object) -> None:
            made = make(**{part: given.pop(part) for part in parts})
            verb(*args, **given, **{name: made})

        bundled: Verb = run
        for option in reversed(options):
            bundled = option(bundled)
        return bundled

    return decorate


def _scope(db_only: bool, config_only: bool) -> Scope:
    if db_only and config_only:
        raise ConfigError("--db-only and --config-only exclude each other", hint="Give one of them, or none for both.")
    return Scope.DATABASE if db_only else Scope.CONFIG if config_only else Scope.ALL


from_vault = click.option("--from", "location", metavar="URI", help="The vault, if not BACKUP_DIR.")
of_backup = click.option("--backup", metavar="BACKUP", default=LIVE, help="Read this backup, not the live database.")
scope = bundle(
    "scope",
    _scope,
    click.option("--db-only", is_flag=True, help="Only the database."),
    click.option("--config-only", is_flag=True, help="Only the configuration."),
)


def site(**overrides: object) -> Site:
    """Return the site of this run. Options override the environment, which overrides the settings file.

    Raises:
        ConfigError: naming every setting that is wrong.
    """
    known, origins = SettingsFile.find(os.environ).environment(os.environ)
    return Site.of(Settings.from_env(known, origins=origins, **overrides))


def site_to_restore(**overrides: object) -> Site:
    """Return the site for a verb that reads or restores backups; wrong settings that it does not need are a note.

    Raises:
        ConfigError: a setting that it needs is wrong.
    """
    known, origins = SettingsFile.find(os.environ).environment(os.environ)
    for name in sorted(Settings.mistaken(known) & UPKEEP):
        where = escape(origins.get(name, name))
        stderr().print(f"[yellow]note:[/] {where} is wrong and was ignored: `sqlitevault backup` would refuse it")
        del known[name]
    return Site.of(Settings.from_env(known, origins=origins, **overrides))


def selected(words: str, site: Site, choice: Choice) -> Selected:
    """Return the backup that the user named: an id, `latest`, or the path or URI of an archive.

    Raises:
        BackupNotFound: there is no such backup.
        ConfigError: it is none of these.
    """
    if words == LATEST or is_backup_id(words):
        return select(site.vault, choice.named(words))
    if "/" not in words and not words.endswith(ARCHIVE_SUFFIX):
        raise ConfigError(
            f"{words!r} does not name a backup",
            hint="Give a backup id, `latest`, or the path or s3:// URI of an archive.",
        )
    location, name = split_backup_location(words)
    return select_by_name(site.opener(location), name, choice)


def database_backup(words: str, site: Site) -> Selected:
    """Return the backup that the user named; it must hold a database, the site's if the vault has several.

    Raises:
        BackupNotFound, ConfigError: as `selected`.
    """
    return selected(words, site, Choice(scope=Scope.DATABASE, database=site.database_name))


def live_or_backup(words: str, site: Site) -> Selected | None:
    """Return None for `live`, else as `database_backup`."""
    return None if words == LIVE else database_backup(words, site)
