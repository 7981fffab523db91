"""Bad databases, targets, disks and settings: a clear error, a hint, the right exit code, and no change."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.home import Home, tree
from tests.cli.mistakes import BUSY, CASES, NO_ROOM, NOT_FOUND, OK, RESTORE, UNAVAILABLE, USAGE, break_database
from tests.databases import execute, holding_the_lock


@pytest.mark.parametrize("wrong", CASES)
def test_mistakes_are_reported_and_nothing_changes(home: Home, wrong: str) -> None:
    """A mistake ends with its code, message and hint; no file changes, and scratch is empty."""
    case = CASES[wrong]
    case.prepare(home)
    before = tree(home.root)
    home.run(*case.arguments, **case.settings).require(case.code, *case.says)
    assert tree(home.root) == before
    assert not home.scratch.exists() or list(home.scratch.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [("backup", "--nonsense"), ("backup", "--tier", "x"), ("nonsense",)], ids=["option", "value", "verb"]
)
def test_wrong_words(new_home: Home, arguments: tuple[str, ...]) -> None:
    """Unknown verbs, options and values end with code 2 and point to the help."""
    done = new_home.run(*arguments)
    assert done.code == USAGE
    assert "--help" in done.stderr
    assert not new_home.backups.exists()


def test_an_error_is_json_too(new_home: Home) -> None:
    """With `--json` a failed command prints code, message and hint as one document on stdout."""
    new_home.database.unlink()
    error = new_home.run("backup", "--json").require(NOT_FOUND).document["error"]
    assert error["code"] == "SourceNotFound"
    assert error["message"]
    assert error["hint"]


def test_a_locked_database(home: Home) -> None:
    """If a writer never releases its lock, the backup gives up in time with a hint."""
    with holding_the_lock(home.database):
        before = tree(home.root)
        done = home.run("backup", SNAPSHOT_TIMEOUT_SECONDS="0.5")
        done.require(BUSY, "SourceBusy: no consistent copy of ", "Check whether the application's host is alive")
        assert tree(home.root) == before


def test_a_corrupt_database_is_kept_only_on_request(home: Home) -> None:
    """`--allow-corrupt` backs up a corrupt database, marked in `list`; `--latest` uses the good backup before it."""
    good = home.ids[-1]
    break_database(home)
    kept = home.run("backup", "--allow-corrupt", "--json").require(OK).document
    assert kept["manifest"]["corrupt"]
    assert kept["drill"] is None
    listed = {entry["backup_id"]: entry["doubt"] for entry in home.run("list", "--json").require(OK).document}
    assert listed[kept["backup_id"]] == "kept although its database is corrupt"
    assert listed[good] is None
    planned = home.run(*RESTORE[:2], "--dry-run", "--json").require(OK).document
    assert planned["backup_id"] == good
    assert planned["live_problem"] is not None


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a file system of 64 KiB, where that is allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk; the same with a limit on file sizes runs everywhere")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


_FULL = {
    "scratch": (("backup",), NO_ROOM, "ScratchFull: not enough disk in "),
    "target": ((*RESTORE, "--target", "small/x.db"), NO_ROOM, "ScratchFull: not enough disk in "),
    "vault": (
        ("backup", "--to", "small"),
        UNAVAILABLE,
        "VaultUnavailable: the vault small cannot be used: No space left",
    ),
}


@pytest.mark.parametrize("full", _FULL)
def test_a_full_disk(home: Home, full: str) -> None:
    """A disk too small for scratch, target or vault is a clear error, and nothing changes."""
    execute(home.database, "INSERT INTO ledger(note) VALUES (hex(randomblob(100000)))")  # does not compress
    arguments, code, says = _FULL[full]
    with small_disk(home.root / "small"):
        before = tree(home.root)
        settings = {"SCRATCH_DIR": "small"} if full == "scratch" else {}
        home.run(*arguments, **settings).require(code, says)
        assert tree(home.root) == before


@pytest.mark.parametrize("arguments", [("backup",), (*RESTORE, "--db-only")], ids=["backup", "restore"])
def test_a_disk_that_fills_up_during_the_work(home: Home, arguments: tuple[str, ...]) -> None:
    """With a limit on the size of files, the command fails cleanly, for root and for other users."""
    home.back_up(timedelta(minutes=5))
    before = tree(home.root)
    home.run_within(40, *arguments).require(NO_ROOM, "ScratchFull: not enough disk in ")
    assert tree(home.root) == before
    assert list(home.scratch.iterdir()) == []
