"""Disasters on a real database, and the backups before them."""

import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlitevault.backup.backup import Order, back_up
from sqlitevault.catalog.manifest import Manifest, Scope
from sqlitevault.vault.protocol import Vault
from tests.runbooks.place import Place
from tests.sites import make_site

_HEADER_BYTES = 100  # SQLite file format, section 1.3


def back_up_now(place: Place, database: Path, vault: Vault | None = None, scope: Scope = Scope.ALL) -> Manifest:
    """Take a backup of the running application's database, in a second of its own."""
    time.sleep(1)
    site = make_site(database, vault or str(place.folder / "backups"), config_root=place.folder)
    return back_up(site, Order(scope)).manifest


def moment_after() -> str:
    """Return a time between everything that happened so far and everything that follows."""
    time.sleep(1.1)
    incident = datetime.now(UTC).replace(microsecond=0)
    time.sleep(1.1)
    return f"{incident:%Y-%m-%dT%H:%M:%SZ}"


def corrupt(database: Path) -> None:
    """Overwrite pages in the middle, as a failing disk does."""
    with database.open("r+b") as file:
        file.seek(_HEADER_BYTES)
        file.write(b"\xa5" * 20_000)


def change(database: Path, statements: Iterable[str]) -> None:
    """Change a database while the application writes to it."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as connection:
        for statement in statements:
            connection.execute(statement)


def copy_of(database: Path, to: Path) -> Path:
    """Copy a database that is in use."""
    with closing(sqlite3.connect(database, timeout=30)) as live, closing(sqlite3.connect(to)) as copy:
        live.backup(copy)
    return to
