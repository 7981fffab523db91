"""The sample database: the same seed gives the same rows."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from localaws.sample import rows

SCHEMA = Path(__file__).with_name("schema.sql")
MEGABYTE = 1_000_000
_BATCH = 500


def make_sample_database(path: Path, *, megabytes: float = 20, seed: int = 1) -> Path:
    """Make a DevOps Hub database of about this size, in rollback-journal mode as the application uses it.

    It has as many agents, workflows, documents and keys as a team would have; executions and events fill the rest.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA.read_text(encoding="utf-8"))
        for table, made in rows.catalogue(chance).items():
            _insert(connection, table, made)
        number = 0
        while _bytes(connection) < megabytes * MEGABYTE:
            for table, made in rows.activity(chance, number, _BATCH).items():
                _insert(connection, table, made)
            number += _BATCH
        connection.commit()
    return path


def _insert(connection: sqlite3.Connection, table: str, made: list[rows.Row]) -> None:
    columns = made[0]
    marks = ", ".join("?" * len(columns))
    query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    connection.executemany(query, [tuple(row.values()) for row in made])


def _bytes(connection: sqlite3.Connection) -> int:
    pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages) * int(size)
