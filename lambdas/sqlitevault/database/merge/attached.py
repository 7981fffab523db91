"""A live database with a restored copy attached to it, as `main` and `copy`."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from sqlitevault.database.connection import uri_path
from sqlitevault.ground.errors import SourceBusy, SourceCorrupt

_BUSY_SECONDS = 10.0
_POLL_SECONDS = 0.005


@contextmanager
def attached(live: Path, copy: Path, *, read_only: bool) -> Iterator[apsw.Connection]:
    """Open both; triggers of the live one do not fire, and its schema is not trusted.

    Raises:
        SourceBusy: the live database stays locked.
        SourceCorrupt: the live database is damaged.
    """
    flags = apsw.SQLITE_OPEN_URI | (apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE)
    with closing(apsw.Connection(str(live), flags=flags)) as connection:
        connection.set_busy_handler(_waiter())
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        try:
            connection.execute("ATTACH ? AS copy", (f"file:{uri_path(copy)}?immutable=1",))
            yield connection
        except apsw.BusyError as error:
            raise SourceBusy(
                f"{live} is locked by another program", hint="Wait for its transaction to end, or stop the application."
            ) from error
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise SourceCorrupt(
                f"{live} is damaged: {error}", hint="Restore the whole database, or the tables into a side database."
            ) from error


def _waiter() -> Callable[[int], bool]:
    """Poll evenly: SQLite's own busy timeout backs off to 100 ms, and starves beside a steady writer."""
    deadline = time.monotonic() + _BUSY_SECONDS

    def wait(_tries: int) -> bool:
        time.sleep(_POLL_SECONDS)
        return time.monotonic() < deadline

    return wait
