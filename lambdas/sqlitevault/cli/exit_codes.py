"""Which error ends the command with which code. The one place where errors meet exit codes."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from rich.markup import escape

from sqlitevault.cli.output import print_json, stderr
from sqlitevault.ground import errors

OK, UNEXPECTED, USAGE = 0, 1, 2
NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, DRILL, NO_ROOM = 10, 11, 12, 13, 14, 15

EXIT_CODES: dict[type[errors.SqliteVaultError], int] = {
    errors.ConfigError: USAGE,
    errors.SourceNotFound: NOT_FOUND,
    errors.BackupNotFound: NOT_FOUND,
    errors.SourceBusy: BUSY,
    errors.BackupExists: BUSY,
    errors.TargetExists: BUSY,
    errors.TargetInUse: BUSY,
    errors.SourceCorrupt: INTEGRITY,
    errors.SourceUnsupported: INTEGRITY,
    errors.ChecksumMismatch: INTEGRITY,
    errors.ManifestInvalid: INTEGRITY,
    errors.ArchiveUnsafe: INTEGRITY,
    errors.IntegrityCheckFailed: INTEGRITY,
    errors.VaultUnavailable: UNAVAILABLE,
    errors.DrillFailed: DRILL,
    errors.NotReady: DRILL,
    errors.ScratchFull: NO_ROOM,
    errors.TargetUnwritable: NO_ROOM,
}

_MEANINGS = {
    OK: "ok",
    UNEXPECTED: "unexpected",
    USAGE: "wrong option or setting",
    NOT_FOUND: "not found",
    BUSY: "busy, or already exists",
    INTEGRITY: "integrity",
    UNAVAILABLE: "vault unavailable",
    DRILL: "drill failed, or not ready",
    NO_ROOM: "no room or no permission",
}


def exit_code(error: errors.SqliteVaultError) -> int:
    """Return the exit code of an error, or of the nearest kind it is one of."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), UNEXPECTED)


def epilog(*codes: int) -> str:
    """Return the lines of `--help` that name a verb's exit codes."""
    listed = " · ".join(f"{code} {_MEANINGS[code]}" for code in (OK, UNEXPECTED, USAGE, *codes))
    return f"Exit codes: {listed}"


Params = ParamSpec("Params")


def reporting_errors(verb: Callable[Params, None]) -> Callable[Params, None]:
    """Make a verb end with an error's exit code, its message and its hint; with `--json` as an object on stdout."""

    @wraps(verb)
    def run(*args: Params.args, **kwargs: Params.kwargs) -> None:
        try:
            verb(*args, **kwargs)
        except errors.SqliteVaultError as error:
            _show(error, as_json=bool(kwargs.get("as_json")))
            sys.exit(exit_code(error))

    return run


def _show(error: errors.SqliteVaultError, *, as_json: bool) -> None:
    if as_json:
        described: dict[str, Any] = {"code": error.code, "message": str(error), "hint": error.hint}
        print_json({"error": described})  # unless a report was printed, which says the same
    stderr().print(f"[bold red]{error.code}:[/] {escape(str(error))}", soft_wrap=True)
    stderr().print(f"[bold]What to do:[/] {escape(error.hint)}", soft_wrap=True)
