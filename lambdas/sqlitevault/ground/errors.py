"""Every error that sqlitevault raises on purpose.

    SqliteVaultError
      ConfigError             a setting, an argument or an event is wrong
      SourceNotFound          there is no database to back up
      SourceBusy              the database could not be copied within the allowed time or stall      (retryable)
      SourceCorrupt           the database is damaged, or is not a SQLite database
      SourceUnsupported       the database uses something that this version cannot handle
      BackupNotFound          the vault has no such backup
      BackupExists            a backup with this id is already committed
      VaultUnavailable        the vault cannot be reached, or refused the request                    (retryable)
      ScratchFull             there is not enough disk space for the work                            (retryable)
      ChecksumMismatch        bytes differ from their recorded checksum
      ManifestInvalid         the manifest is missing, malformed, of another archive or too new
        NewerFormat           the backup was written by a newer version
      ArchiveUnsafe           the archive could write outside its folder, or is not one of ours
      IntegrityCheckFailed    SQLite, a row count or a content digest shows that the copy is damaged
      TargetExists            the restore would overwrite something without permission
      TargetInUse             a process has the restore target open
      TargetUnwritable        the restore target cannot be written
      DrillFailed             a backup could not be proven restorable
      NotReady                something that a recovery needs is missing, or its evidence is too old

Decide by class or by `code`, never by the text of a message. `hint` is one sentence: what the operator should do next.
"""

from functools import partial
from typing import ClassVar


class SqliteVaultError(Exception):
    """Base of all errors; `str(error)` is the message without the hint."""

    code: ClassVar[str] = "SqliteVaultError"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str) -> None:
        """Take the message, and a hint: what the operator should do next."""
        super().__init__(message)
        self.hint = hint

    def __init_subclass__(cls) -> None:
        """Make the class name the stable code."""
        cls.code = cls.__name__

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickling, although `hint` is keyword-only."""
        return partial(type(self), hint=self.hint), self.args


# The classes of the tree, one a line.
# fmt: off
class ConfigError(SqliteVaultError): ...
class SourceNotFound(SqliteVaultError): ...
class SourceBusy(SqliteVaultError):
    retryable = True
class SourceCorrupt(SqliteVaultError): ...
class SourceUnsupported(SqliteVaultError): ...
class BackupNotFound(SqliteVaultError): ...
class BackupExists(SqliteVaultError): ...
class VaultUnavailable(SqliteVaultError):
    retryable = True
class ScratchFull(SqliteVaultError):
    retryable = True
class ChecksumMismatch(SqliteVaultError): ...
class ManifestInvalid(SqliteVaultError): ...
class NewerFormat(ManifestInvalid): ...
class ArchiveUnsafe(SqliteVaultError): ...
class IntegrityCheckFailed(SqliteVaultError): ...
class TargetExists(SqliteVaultError): ...
class TargetInUse(SqliteVaultError): ...
class TargetUnwritable(SqliteVaultError): ...
class DrillFailed(SqliteVaultError): ...
class NotReady(SqliteVaultError): ...
# fmt: on
