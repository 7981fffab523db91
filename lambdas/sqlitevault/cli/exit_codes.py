"""The exit code of each error."""

from sqlitevault.ground import errors

OK, UNEXPECTED, USAGE = 0, 1, 2
NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, DRILL, NO_ROOM = 10, 11, 12, 13, 14, 15

_ERRORS = {
    USAGE: (errors.ConfigError,),
    NOT_FOUND: (errors.SourceNotFound, errors.BackupNotFound),
    BUSY: (errors.SourceBusy, errors.BackupExists, errors.TargetExists, errors.TargetInUse),
    INTEGRITY: (
        *(errors.SourceCorrupt, errors.SourceUnsupported, errors.ChecksumMismatch),
        *(errors.ManifestInvalid, errors.ArchiveUnsafe, errors.IntegrityCheckFailed),
    ),
    UNAVAILABLE: (errors.VaultUnavailable,),
    DRILL: (errors.DrillFailed, errors.NotReady),
    NO_ROOM: (errors.ScratchFull, errors.TargetUnwritable),
}
EXIT_CODES: dict[type[errors.SqliteVaultError], int] = {kind: code for code, kinds in _ERRORS.items() for kind in kinds}
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
    """Return the exit code of an error: that of the nearest class in the table."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), UNEXPECTED)


def epilog(*codes: int) -> str:
    """Return the lines of `--help` that name a verb's exit codes."""
    listed = " · ".join(f"{code} {_MEANINGS[code]}" for code in (OK, UNEXPECTED, USAGE, *codes))
    return f"Exit codes: {listed}"
