"""Which names a vault's objects may have."""

from sqlitevault.ground.errors import ConfigError


def require_name(name: str) -> str:
    """Return `name` if it is a relative path with forward slashes and nothing that could leave the vault.

    Raises:
        ConfigError: it is not.
    """
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") for part in parts) or any(ord(char) < ord(" ") for char in name):
        raise ConfigError(
            f"{name!r} is no name of an object in a vault", hint="Use a relative path with forward slashes and no `..`."
        )
    return name
