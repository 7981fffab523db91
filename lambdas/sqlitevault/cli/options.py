"""What several verbs share: their settings, their options, and how words name a backup."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from sqlitevault.catalog.catalog import LATEST, Choice
from sqlitevault.catalog.manifest import Scope, is_backup_id
from sqlitevault.catalog.selection import Selected, select, select_by_name
from sqlitevault.cli.output import stderr
from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.facts import ARCHIVE_SUFFIX
from sqlitevault.ground.settings import UPKEEP, Settings
from sqlitevault.vault.opening import open_vault, split_backup_location
from sqlitevault.vault.protocol import Vault

Verb = TypeVar("Verb", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print the report as JSON on stdout.")
from_vault = click.option("--from", "location", metavar="URI", help="The vault, if not BACKUP_DIR.")
of_backup = click.option("--backup", metavar="BACKUP", help="Look into this backup instead of the live database.")


def scope_options(verb: Verb) -> Verb:
    """Add `--db-only` and `--config-only`."""
    verb = click.option("--db-only", is_flag=True, help="The database alone.")(verb)
    return click.option("--config-only", is_flag=True, help="The configuration alone.")(verb)


def scope(*, db_only: bool, config_only: bool) -> Scope:
    """Return the scope that the options stand for.

    Raises:
        ConfigError: both were given.
    """
    if db_only and config_only:
        raise ConfigError("--db-only and --config-only exclude each other", hint="Give one of them, or none for both.")
    if db_only:
        return Scope.DATABASE
    return Scope.CONFIG if config_only else Scope.ALL


def settings(**overrides: object) -> Settings:
    """Return the settings of this run: the environment, and over it the options given."""
    return Settings.from_env(os.environ, **overrides)


def settings_to_restore(**overrides: object) -> Settings:
    """Return the settings of a verb that looks or restores: nothing that it can do without stops it in an emergency."""
    passed_over = Settings.mistaken(os.environ) & UPKEEP
    for name in sorted(passed_over):
        stderr().print(f"[yellow]note:[/] {name} is wrong, and was passed over: `sqlitevault backup` would refuse it")
    known = {name: value for name, value in os.environ.items() if name not in passed_over}
    return Settings.from_env(known, **overrides)


def replica(settings: Settings) -> Vault | None:
    """Return the replica, if there is one.

    Raises:
        ConfigError: REPLICA_URI names no vault.
    """
    return open_vault(settings.replica) if settings.replica else None


def moment(text: str | None) -> datetime | None:
    """Read a time as people write it; without a zone it is UTC.

    Raises:
        ConfigError: it is not a time.
    """
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is not a time", hint="Write it as 2026-01-31T02:00:00Z or 2026-01-31 02:00 (UTC)."
        ) from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def selected(words: str, vault_location: str, choice: Choice) -> Selected:
    """Return the backup that `words` name: an id, `latest`, or the path or URI of an archive.

    Raises:
        BackupNotFound: there is none.
        ConfigError: the words are none of these.
    """
    if words == LATEST or is_backup_id(words):
        return select(
            open_vault(vault_location),
            Choice.of(words, at=choice.at, scope=choice.scope, database=choice.database, before=choice.before),
        )
    if "/" not in words and not words.endswith(ARCHIVE_SUFFIX):
        raise ConfigError(
            f"{words!r} names no backup", hint="Give a backup id, `latest`, or the path or s3:// URI of an archive."
        )
    location, name = split_backup_location(words)
    return select_by_name(open_vault(location), name, choice)
