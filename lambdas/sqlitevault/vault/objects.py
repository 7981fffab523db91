"""Names of objects, and the errors that are the same in every vault."""

from sqlitevault.ground.errors import BackupExists, BackupNotFound, ConfigError, ManifestInvalid


def require_name(name: str) -> str:
    """Return `name` if it is a relative path with forward slashes that cannot lead out of the vault.

    Raises:
        ConfigError: it is not.
    """
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") for part in parts) or any(ord(char) < ord(" ") for char in name):
        raise ConfigError(
            f"{name!r} is not a valid object name", hint="Use a relative path with forward slashes and no `..`."
        )
    return name


def not_found(name: str, location: str) -> BackupNotFound:
    """Return the error for a missing object."""
    return BackupNotFound(
        f"there is no {name} in {location}", hint="`sqlitevault list --from URI` shows what is in a vault."
    )


def already_exists(name: str, location: str) -> BackupExists:
    """Return the error for a name that is taken."""
    return BackupExists(f"{name} already exists in {location}", hint="The backup was committed before; nothing to do.")


def too_long(name: str, limit: int) -> ManifestInvalid:
    """Return the error for an object of more than `limit` bytes."""
    return ManifestInvalid(
        f"{name} is longer than {limit:,} bytes", hint="It is not what its name says; use another backup."
    )
