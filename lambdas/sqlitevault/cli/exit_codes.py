"""The exit code of each error."""

from sqlitevault.ground import errors

OK, UNEXPECTED, USAGE = 0, 1, 2
NOT_FOUND, BUSY, INTEGRITY, UNAVAILABLE, DRILL, NO_ROOM = 10, 11, 12, 13, 14, 15

# The meaning of each code, and its errors.
_TABLE: dict[int, tuple[str, tuple[type[errors.SqliteVaultError], ...]]] = {
    OK: ("ok", ()),
    UNEXPECTED: ("unexpected", ()),
    USAGE: ("wrong option or setting", (errors.ConfigError,)),
    NOT_FOUND: ("not found", (errors.SourceNotFound, errors.BackupNotFound)),
    BUSY: (
        "busy, or already exists",
        (errors.SourceBusy, errors.BackupExists, errors.TargetExists, errors.TargetInUse),
    ),
    INTEGRITY: (
        "integrity",
        (
            *(errors.SourceCorrupt, errors.SourceUnsupported, errors.ChecksumMismatch),
            *(errors.ManifestInvalid, errors.ArchiveUnsafe, errors.IntegrityCheckFailed),
        ),
    ),
    UNAVAILABLE: ("vault unavailable", (errors.VaultUnavailable,)),
    DRILL: ("drill failed, or not ready", (errors.DrillFailed, errors.NotReady)),
    NO_ROOM: ("no room or no permission", (errors.ScratchFull, errors.TargetUnwritable)),
}
EXIT_CODES = {kind: code for code, (_, kinds) in _TABLE.items() for kind in kinds}


def exit_code(error: errors.SqliteVaultError) -> int:
    """Return the exit code of an error: that of the nearest class in the table."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), UNEXPECTED)


def epilog(*codes: int) -> str:
    """Return the lines of `--help` that name a verb's exit codes."""
    listed = " · ".join(f"{code} {_TABLE[code][0]}" for code in (OK, UNEXPECTED, USAGE, *codes))
    return f"Exit codes: {listed}"
