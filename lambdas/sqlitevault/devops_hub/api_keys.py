"""The application's API keys: listed without their hashes, and revoked all at once after a breach."""

import csv
import io
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import apsw

from sqlitevault.database.summaries import key_metadata
from sqlitevault.ground.errors import ConfigError, SourceBusy, TargetUnwritable

_BUSY_MILLISECONDS = 10_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What may be known of a key: everything but its hash."""

    id: str
    name: str
    scopes: str
    is_active: bool
    created_at: str
    expires_at: str


def list_keys(copy: Path) -> tuple[ApiKey, ...]:
    """Return the keys in a private copy of the database.

    Raises:
        ConfigError: the database has no table `api_keys`.
    """
    metadata = key_metadata(copy)
    if metadata is None:
        raise ConfigError("the database has no table api_keys", hint="`keys` is for DevOps Hub's databases.")
    read = csv.DictReader(io.StringIO(metadata.decode()))
    return tuple(
        ApiKey(
            id=row["id"],
            name=row["name"],
            scopes=row["scopes"],
            is_active=row["is_active"] not in ("", "0"),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
        )
        for row in read
    )


def require_keys(live: Path) -> None:
    """See that the live database has keys to revoke. One that cannot be read now is left to whoever backs it up.

    Raises:
        ConfigError: it has no table `api_keys` with a column `is_active`.
    """
    with suppress(apsw.Error), closing(apsw.Connection(str(live), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        try:
            connection.execute("SELECT is_active FROM api_keys LIMIT 0")
        except apsw.SQLError as error:
            raise ConfigError(
                "the database has no table api_keys with a column is_active",
                hint="`keys revoke` is for DevOps Hub's databases.",
            ) from error


def revoke_all(live: Path) -> int:
    """Make every key of the live database inactive, in one transaction; return how many were active.

    Raises:
        SourceBusy: the database stayed locked.
        TargetUnwritable: this user, this disk or the database itself does not let it be done; nothing was changed.
    """
    with closing(apsw.Connection(str(live), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        connection.set_busy_timeout(_BUSY_MILLISECONDS)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE api_keys SET is_active = 0 WHERE is_active <> 0")
            revoked = connection.changes()
            connection.execute("COMMIT")
        except apsw.BusyError as error:
            raise SourceBusy(f"{live} is locked", hint="Stop the application and run it again.") from error
        except (apsw.ReadOnlyError, apsw.FullError, apsw.IOError) as error:
            raise TargetUnwritable(
                f"{live} cannot be written: {error}", hint="Run it as the user who owns the database; check the disk."
            ) from error
        except apsw.Error as error:
            raise TargetUnwritable(
                f"the keys cannot be revoked: {error}",
                hint="No key was touched: look for a trigger or a constraint on api_keys that refuses it.",
            ) from error
    return revoked
