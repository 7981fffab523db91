"""Findings about the source's own files: journal mode, SQLite version, permissions, journal and log."""

import os
import stat
import time
from pathlib import Path

import apsw

from sqlitevault.database.connection import is_newer
from sqlitevault.database.header import Header
from sqlitevault.doctor.report import Finding, Level, ok, problem, warning
from sqlitevault.ground.errors import SourceCorrupt, SourceUnsupported
from sqlitevault.snapshot.fresh import SIDE_FILES, Vanished, beside, fresh_open, look
from sqlitevault.snapshot.journal import Journal, read_journal, require_single_file
from sqlitevault.snapshot.locks import reserved, wal_open
from sqlitevault.snapshot.wal_format import parse_wal_header, require_own_log

_SIDE_FILES = "side files"
_PERMISSIONS = "permissions"
# The application moves on between two checks; only what stays is a finding.
_LOOKS = 3
_PAUSE_SECONDS = 0.1
_LARGE_LOG = 64 << 20


def journal_mode(header: Header) -> Finding:
    """Report how the application writes."""
    if header.journal_mode == "wal":
        return ok(
            "journal mode",
            "WAL: a snapshot blocks no writer",
            hint="All processes of the application that open the database must run on one host.",
        )
    return ok(
        "journal mode",
        "rollback journal (delete, truncate or persist; MEMORY and OFF cannot be detected from outside)",
        hint="With MEMORY or OFF a crash of the application damages the database itself.",
    )


def synchronous(header: Header) -> Finding:
    """Report the assumption about a setting that no file records."""
    assumed = "not recorded in the file; assumed to be NORMAL, FULL or EXTRA"
    if header.journal_mode == "wal":
        hint = (
            "synchronous=OFF with WAL cannot be copied from another host. With NORMAL a copy from there may lack the "
            "commits of the last half minute; with FULL, SQLite's default, it lacks none."
        )
    else:
        hint = (
            "With synchronous=OFF a power failure damages the database itself, and a copy taken from another host "
            "just after the application was killed may hold half a transaction."
        )
    return ok("synchronous", assumed, hint)


def sqlite_version(header: Header) -> Finding:
    """Compare the SQLite that wrote last with the SQLite that checks and dumps copies here."""
    detail = f"written by {header.sqlite_version}, checked here with {apsw.sqlite_lib_version()}"
    if is_newer(header.sqlite_version):
        hint = "Copies are still right; if a check reports an unknown feature, update sqlitevault."
        return warning("SQLite version", detail, hint)
    return ok("SQLite version", detail)


def permissions(source: Path) -> Finding:
    """Check that this user can read the database and the files beside it, and that not everybody can write them."""
    for suffix in ("", *SIDE_FILES):
        path = beside(source, suffix)
        try:
            with fresh_open(path) as descriptor:
                mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        except Vanished:
            continue
        except PermissionError as error:
            hint = f"Let user {os.geteuid()} read it: snapshots also need the files beside the database."
            return problem(_PERMISSIONS, f"{path.name} cannot be read: {error.strerror}", hint)
        if mode & stat.S_IWOTH:
            hint = f"Run chmod o-w {path}: a user who can write it can damage the database and all later backups."
            return warning(_PERMISSIONS, f"everybody can write {path.name} (mode {mode:o})", hint)
    return ok(_PERMISSIONS, f"user {os.geteuid()} can read the database and the files beside it")


def side_files(source: Path) -> Finding:
    """Check journal and log several times, and return the mildest finding."""
    found = _judge_side_files(source)
    for _ in range(_LOOKS - 1):
        if found.level is Level.OK:
            break
        time.sleep(_PAUSE_SECONDS)
        found = min(found, _judge_side_files(source), key=lambda finding: list(Level).index(finding.level))
    return found


def _judge_side_files(source: Path) -> Finding:
    try:
        found = _journal(source) or _log(source)
    except (SourceCorrupt, SourceUnsupported) as error:
        return problem(_SIDE_FILES, str(error), error.hint)
    except PermissionError as error:
        hint = f"Let user {os.geteuid()} read it."
        return problem(_SIDE_FILES, f"{error.filename} cannot be read: {error.strerror}", hint)
    if found is not None:
        return found
    present = [suffix for suffix in SIDE_FILES if beside(source, suffix).exists()]
    return ok(_SIDE_FILES, f"{', '.join(present)}: in order" if present else "none")


def _journal(source: Path) -> Finding | None:
    journal = read_journal(source)
    if not journal.live or _writer_at_work(source, journal):
        return None
    try:
        require_single_file(beside(source, "-journal"))
    except FileNotFoundError:
        return None
    return warning(
        _SIDE_FILES,
        "a hot journal: the application was killed in the middle of a transaction",
        hint="Backups undo that transaction on the copy; the application undoes it when it opens the database.",
    )


def _writer_at_work(source: Path, journal: Journal) -> bool:
    with fresh_open(source) as descriptor:
        return reserved(descriptor) or read_journal(source) != journal


def _log(source: Path) -> Finding | None:
    try:
        log, database = look(beside(source, "-wal")), look(source)
    except Vanished:
        return None
    header = parse_wal_header(log.first)
    if header is None:
        return None
    require_own_log(database.first, header)
    size = log.fingerprint.size
    if size > max(_LARGE_LOG, database.fingerprint.size):
        detail = f"the -wal file has {size:,} bytes, more than the database"
        hint = "A connection keeps checkpoints from finishing, such as a reader that never ends its transaction."
        return warning(_SIDE_FILES, detail, hint)
    if not wal_open(source):
        hint = "Backups recover it on the copy; the application recovers it when it opens the database."
        return warning(_SIDE_FILES, "a write-ahead log, but no program has the database open: it was not closed", hint)
    return None
