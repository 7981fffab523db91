"""Every error that sqlitevault raises on purpose.

    SqliteVaultError
      ConfigError             a setting, an argument or an event is wrong
      SourceNotFound          there is no database to back up
      SourceBusy              the database could not be copied within the time or stall allowed   (retryable)
      SourceCorrupt           the database is damaged, or is not SQLite
      SourceUnsupported       the database uses something that this version cannot handle; named, never guessed
      BackupNotFound          no such backup in the vault
      BackupExists            a backup with this id is already committed
      VaultUnavailable        the vault could not be reached or refused us                        (retryable)
      ScratchFull             not enough disk for the work                                        (retryable)
      ChecksumMismatch        bytes differ from their recorded checksum
      ManifestInvalid         the manifest is missing, malformed, of another archive or too new
      ArchiveUnsafe           the archive could write outside its folder, or is not an archive of ours
      IntegrityCheckFailed    SQLite, a row count or a content digest says that the copy is damaged
      TargetExists            the restore would overwrite something and was not told to
      TargetInUse             somebody has the restore's target open
      TargetUnwritable        the restore's target cannot be written
      DrillFailed             a backup could not be proven restorable
      NotReady                something that a recovery would need is missing or too old

Decide by class or by `code`, never by the text of a message. `hint` is one sentence that tells the operator what
to do next.
"""

from typing import ClassVar


class SqliteVaultError(Exception):
    """Base of all errors; `str(error)` is the message alone."""

    code: ClassVar[str] = "SqliteVaultError"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str) -> None:
        """Keep the message for `str` and the hint for whoever has to act."""
        super().__init__(message)
        self.hint = hint

    def __init_subclass__(cls) -> None:
        """Give each error its class name as its stable code."""
        cls.code = cls.__name__

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling although `hint` is keyword-only."""
        return (_rebuild, (type(self), str(self), self.hint))


def _rebuild(kind: type[SqliteVaultError], message: str, hint: str) -> SqliteVaultError:
    return kind(message, hint=hint)


class ConfigError(SqliteVaultError):
    """A setting, an argument or an event is wrong."""


class SourceNotFound(SqliteVaultError):
    """There is no database to back up."""


class SourceBusy(SqliteVaultError):
    """The database could not be copied within the time or the writer stall allowed."""

    retryable = True


class SourceCorrupt(SqliteVaultError):
    """The database is damaged, or is not a SQLite database."""


class SourceUnsupported(SqliteVaultError):
    """The database uses something that this version cannot handle, such as a feature of a newer SQLite."""


class BackupNotFound(SqliteVaultError):
    """No such backup in the vault."""


class BackupExists(SqliteVaultError):
    """A backup with this id is already committed."""


class VaultUnavailable(SqliteVaultError):
    """The vault could not be reached, or refused us."""

    retryable = True


class ScratchFull(SqliteVaultError):
    """Not enough disk for the work."""

    retryable = True


class ChecksumMismatch(SqliteVaultError):
    """Bytes differ from their recorded checksum."""


class ManifestInvalid(SqliteVaultError):
    """The manifest is missing, malformed, of another archive or of a newer format."""


class ArchiveUnsafe(SqliteVaultError):
    """The archive could write outside its folder, or is not an archive of ours."""


class IntegrityCheckFailed(SqliteVaultError):
    """SQLite, a row count or a content digest says that the copy is damaged."""


class TargetExists(SqliteVaultError):
    """The restore would overwrite something and was not told to."""


class TargetInUse(SqliteVaultError):
    """Somebody has the restore's target open."""


class TargetUnwritable(SqliteVaultError):
    """The restore's target cannot be written."""


class DrillFailed(SqliteVaultError):
    """A backup could not be proven restorable."""


class NotReady(SqliteVaultError):
    """Something that a recovery would need is missing, or its evidence is too old."""
