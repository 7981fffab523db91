"""Checks of unpacked archives: their content, or a refusal without leftovers."""

from pathlib import Path

import pytest

from sqlitevault.archive.unpacking import unpack
from sqlitevault.ground.errors import (
    SqliteVaultError,
)
from tests.archives import (
    entry,
)

SMALL = {"devops_hub.db": b"SQLite format 3\0" + b"x" * 600, "config/alembic.ini": b"[alembic]\n"}
DATABASE = entry("devops_hub.db", SMALL["devops_hub.db"])
CONFIG = entry("config/alembic.ini", SMALL["config/alembic.ini"])


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive: Path, tmp_path: Path, error: type[SqliteVaultError], **options: object) -> SqliteVaultError:
    """Expect exactly this error, a hint, and an empty folder with nothing beside it."""
    into = tmp_path / "into"
    into.mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error) as caught:
        unpack(archive, into, **options)  # type: ignore[arg-type]
    assert type(caught.value) is error
    assert caught.value.hint
    assert sorted(tmp_path.rglob("*")) == before
    return caught.value
