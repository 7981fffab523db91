"""Mistakes and broken files: how to make each, the command, its exit code and its message."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlitevault.ground.settings import UPKEEP
from tests.cli.home import Home

OK, USAGE, NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, NO_ROOM = 0, 2, 10, 11, 12, 13, 15


def nothing(_home: Home) -> None:
    """Leave everything as it is."""


def no_database(home: Home) -> None:
    """Delete the database."""
    home.database.unlink()


def another_file(home: Home) -> None:
    """Replace the database with another kind of file."""
    home.database.write_bytes(b"not a database at all" * 100)


def empty_file(home: Home) -> None:
    """Replace the database with a file of 0 bytes."""
    home.database.write_bytes(b"")


def break_database(home: Home) -> None:
    """Damage a page that holds rows, as a bad disk does."""
    content = bytearray(home.database.read_bytes())
    page = 4096 * (len(content) // 4096 // 2)
    content[page : page + 200] = b"\xa5" * 200
    home.database.write_bytes(content)


def outgrow_the_disk(home: Home) -> None:
    """Make the database a sparse file as large as the free space."""
    os.truncate(home.database, shutil.disk_usage(home.root).free)


@dataclass(frozen=True, slots=True)
class Case:
    """One mistake: how to make it, the command, its exit code and its message."""

    arguments: tuple[str, ...]
    code: int
    says: tuple[str, ...]
    prepare: Callable[[Home], object] = nothing
    settings: dict[str, str] = field(default_factory=dict)


RESTORE = ("restore", "--latest", "--yes")
_WRONG = {"BACKUP_RETAIN": "0", "RTO_SECONDS": "soon", "MAX_WRITER_STALL_SECONDS": "-1", "TIER_DAYS": "x"}
_BELOW_A_FILE = "docker-compose.yml/below"
CASES = {
    "no database": Case(
        ("backup",), NOT_FOUND, ("SourceNotFound: there is no database at data/devops_hub.db",), no_database
    ),
    "a folder for a database": Case(
        ("backup",), NOT_FOUND, ("SourceNotFound: data cannot be read",), settings={"DATABASE_PATH": "data"}
    ),
    "not SQLite": Case(("backup",), INTEGRITY, ("SourceCorrupt: the file is not a SQLite database",), another_file),
    "0 bytes": Case(
        ("backup",), INTEGRITY, ("SourceCorrupt: the database is empty: the file has 0 bytes",), empty_file
    ),
    "corrupt": Case(
        ("backup",),
        INTEGRITY,
        ("SourceCorrupt: data/devops_hub.db is corrupt; integrity_check says: ", "malformed", "--allow-corrupt"),
        break_database,
    ),
    "no room in scratch": Case(
        ("backup",), NO_ROOM, ("ScratchFull: not enough disk in ", " bytes are needed, "), outgrow_the_disk
    ),
    "no working folder": Case(
        ("backup",),
        USAGE,
        (f"ConfigError: the working folder {_BELOW_A_FILE}",),
        settings={"SCRATCH_DIR": _BELOW_A_FILE},
    ),
    "unwritable vault": Case(
        ("backup", "--to", _BELOW_A_FILE), UNAVAILABLE, (f"VaultUnavailable: the vault {_BELOW_A_FILE} cannot be used",)
    ),
    "a file for a vault": Case(
        ("list", "--from", "docker-compose.yml"), UNAVAILABLE, ("docker-compose.yml cannot be used: Not a directory",)
    ),
    "another scheme": Case(("list", "--from", "ftp://x/y"), USAGE, ("ConfigError: 'ftp://x/y' is not a vault",)),
    "no bucket": Case(("list", "--from", "s3:///x"), USAGE, ("ConfigError: 's3:///x' has no valid bucket name",)),
    "unwritable target": Case(
        (*RESTORE, "--target", f"{_BELOW_A_FILE}/x.db"),
        NO_ROOM,
        ("TargetUnwritable: cannot restore to docker-compose.yml",),
    ),
    "a folder for a target": Case(
        (*RESTORE, "--target", "data"),
        NO_ROOM,
        ("TargetUnwritable: cannot restore to data: it is not an ordinary file",),
    ),
    "no configuration": Case(
        ("backup", "--config-only"),
        NOT_FOUND,
        ("SourceNotFound: there is no configuration",),
        settings={"CONFIG_ROOT": "data"},
    ),
    "wrong settings": Case(
        ("backup",), USAGE, ("ConfigError: wrong settings: ", *(f"{name}: " for name in _WRONG)), settings=_WRONG
    ),
    "wrong settings of a restore": Case(
        RESTORE,
        USAGE,
        ("MAX_WRITER_STALL_SECONDS: ", *(f"note: {name} is wrong" for name in _WRONG if name in UPKEEP)),
        settings=_WRONG,
    ),
    "a blank vault": Case(("list",), USAGE, ("BACKUP_DIR: ",), settings={"BACKUP_DIR": "  "}),
    "a name for no backup": Case(
        ("backup",),
        USAGE,
        ("ConfigError: the database name 'a b'",),
        lambda home: home.database.rename(home.root / "a b.db"),
        {"DATABASE_PATH": "a b.db"},
    ),
    "two halves": Case(("backup", "--db-only", "--config-only"), USAGE, ("exclude each other",)),
    "no backup named": Case(("restore",), USAGE, ("ConfigError: name one backup",)),
    "two backups named": Case((*RESTORE, "x.tar.gz"), USAGE, ("ConfigError: name one backup",)),
    "nothing to verify": Case(("verify",), USAGE, ("ConfigError: name backups or use --all, not both",)),
    "no such time": Case(("restore", "--at", "yesterday"), USAGE, ("ConfigError: 'yesterday' is not a time",)),
    "preview of an undo": Case(
        ("restore", "--undo", "--dry-run", "--yes"), USAGE, ("ConfigError: --undo excludes a backup, --dry-run",)
    ),
    "backup and undo": Case(("restore", "--undo", "--latest"), USAGE, ("ConfigError: --undo excludes a backup",)),
    "nothing to undo": Case(
        ("restore", "--undo"), NOT_FOUND, ("BackupNotFound: no devops_hub.db.pre_restore_* beside",)
    ),
    "no profile": Case(
        ("list", "--from", "s3://some-bucket/"),
        UNAVAILABLE,
        ("could not be found", "AWS_PROFILE"),
        settings={"AWS_PROFILE": "none"},
    ),
    "no endpoint": Case(
        ("list", "--from", "s3://some-bucket/"),
        USAGE,
        ("ConfigError: ", "AWS_ENDPOINT_URL"),
        settings={"AWS_ENDPOINT_URL": "x"},
    ),
}
