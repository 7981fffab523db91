"""What the source's own files say: journal mode, version, what lies beside it, and who may read it."""

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import apsw

from sqlitevault.database.header import Header, parse_header
from sqlitevault.doctor.report import Finding, Level, ok, problem, warning
from sqlitevault.ground.errors import SourceUnsupported
from sqlitevault.snapshot.fresh import Vanished, View, beside, fresh_open, look
from sqlitevault.snapshot.journal import Journal, read_journal, require_single_file
from sqlitevault.snapshot.locks import reserved, wal_open
from sqlitevault.snapshot.wal_format import WalHeader, in_wal_mode, parse_wal_header

SUFFIXES = ("", "-journal", "-wal", "-shm")

_SIDE_FILES = "side files"
_PERMISSIONS = "permissions"
# The application moves on between two looks; what stays is a finding.
_LOOKS = 3
_PAUSE_SECONDS = 0.1
_LARGE_LOG = 64 << 20
_STOP_FIRST = (
    "It was probably left by another database. Stop the application, move it away, and see with PRAGMA "
    "integrity_check that the database is sound."
)


def journal_mode(header: Header) -> Finding:
    """Say how the application writes."""
    if header.journal_mode == "wal":
        return ok(
            "journal mode",
            "WAL: a snapshot holds nobody up",
            hint="All processes of the application that open the database must run on one host.",
        )
    return ok(
        "journal mode",
        "rollback journal (delete, truncate or persist; MEMORY and OFF cannot be told from outside)",
        hint="With MEMORY or OFF a crash of the application damages the database itself.",
    )


def synchronous(header: Header) -> Finding:
    """Say what is assumed of a setting that no file shows."""
    assumed = "not recorded in the file; assumed to be NORMAL, FULL or EXTRA"
    if header.journal_mode == "wal":
        hint = (
            "synchronous=OFF with WAL cannot be copied from another host. With NORMAL a copy from there may lack what "
            "was committed in the last half minute or so; with FULL, SQLite's default, nothing."
        )
    else:
        hint = (
            "With synchronous=OFF a power failure damages the database itself, and a copy taken from another host "
            "just after the application was killed may hold half a transaction."
        )
    return ok("synchronous", assumed, hint)


def sqlite_version(header: Header) -> Finding:
    """Compare the SQLite that wrote last with the one that checks and dumps copies."""
    ours = apsw.sqlite_lib_version()
    detail = f"written by {header.sqlite_version}, checked here with {ours}"
    if _numbers(header.sqlite_version) > _numbers(ours):
        hint = "Copies are right all the same; if a check names a feature it does not know, update sqlitevault."
        return warning("SQLite version", detail, hint)
    return ok("SQLite version", detail)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def permissions(source: Path) -> Finding:
    """See that the database and what lies beside it can be read, and not be written by everybody."""
    for suffix in SUFFIXES:
        path = beside(source, suffix)
        try:
            with fresh_open(path) as descriptor:
                mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        except Vanished:
            continue
        except PermissionError as error:
            hint = f"Let user {os.geteuid()} read it: snapshots need the files beside the database, too."
            return problem(_PERMISSIONS, f"{path.name} cannot be read: {error.strerror}", hint)
        if mode & stat.S_IWOTH:
            hint = f"chmod o-w {path}: whoever can write it can damage the database, and every backup after that."
            return warning(_PERMISSIONS, f"everybody may write {path.name} (mode {mode:o})", hint)
    return ok(_PERMISSIONS, f"user {os.geteuid()} may read the database and what lies beside it")


def side_files(source: Path) -> Finding:
    """Judge journal and log by the mildest of some looks."""
    found = _judge_side_files(source)
    for _ in range(_LOOKS - 1):
        if found.level is Level.OK:
            break
        time.sleep(_PAUSE_SECONDS)
        found = min(found, _judge_side_files(source), key=lambda finding: list(Level).index(finding.level))
    return found


def _judge_side_files(source: Path) -> Finding:
    judges: tuple[Callable[[Path], Finding | None], ...] = (_journal, _log)
    try:
        for judge in judges:
            found = judge(source)
            if found is not None:
                return found
    except PermissionError as error:
        hint = f"Let user {os.geteuid()} read it."
        return problem(_SIDE_FILES, f"{error.filename} cannot be read: {error.strerror}", hint)
    present = [suffix for suffix in SUFFIXES[1:] if beside(source, suffix).exists()]
    return ok(_SIDE_FILES, f"{', '.join(present)}: as they should be" if present else "none")


def _journal(source: Path) -> Finding | None:
    journal = read_journal(source)
    if not journal.live or _writer_at_work(source, journal):
        return None
    try:
        require_single_file(beside(source, "-journal"))
    except FileNotFoundError:
        return None
    except SourceUnsupported as error:
        return problem(_SIDE_FILES, str(error), error.hint)
    return warning(
        _SIDE_FILES,
        "a hot journal: the application was killed in the middle of a transaction",
        hint="Backups undo that transaction on the copy; the application does on the database when it opens it.",
    )


def _writer_at_work(source: Path, journal: Journal) -> bool:
    with fresh_open(source) as descriptor:
        return reserved(descriptor) or read_journal(source) != journal


def _log(source: Path) -> Finding | None:
    try:
        log, database = look(beside(source, "-wal")), look(source)
        header = parse_wal_header(log.first)
    except Vanished:
        return None
    except SourceUnsupported as error:
        return problem(_SIDE_FILES, str(error), error.hint)
    if header is None:
        return None
    return _foreign_log(database, header) or _large_or_left_log(source, log, database)


def _foreign_log(database: View, log: WalHeader) -> Finding | None:
    if not in_wal_mode(database.first):
        detail = "a write-ahead log lies beside a database in rollback mode; SQLite would apply it to the database"
        return problem(_SIDE_FILES, detail, _STOP_FIRST)
    page_size = parse_header(database.first).page_size
    if log.page_size != page_size:
        detail = f"the -wal file has pages of {log.page_size} bytes, the database of {page_size}"
        return problem(_SIDE_FILES, detail, _STOP_FIRST)
    return None


def _large_or_left_log(source: Path, log: View, database: View) -> Finding | None:
    size = log.fingerprint.size
    if size > max(_LARGE_LOG, database.fingerprint.size):
        detail = f"the -wal file has {size:,} bytes, more than the database"
        hint = "Something keeps checkpoints from finishing, such as a reader that never ends its transaction."
        return warning(_SIDE_FILES, detail, hint)
    if not wal_open(source):
        hint = "Backups recover it on the copy; the application does on the database when it opens it."
        return warning(_SIDE_FILES, "a write-ahead log, and nobody has the database open: it was not closed", hint)
    return None
