"""Opens the vault at a location: a registry of the kinds of vault."""

import re
from collections.abc import Callable
from pkgutil import resolve_name

from sqlitevault.ground.errors import ConfigError
from sqlitevault.vault.protocol import Vault

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# The opener for each scheme of a location, loaded when needed: importing boto3 takes longer than a command on a
# directory.
KINDS = {
    "": "sqlitevault.vault.directory:DirectoryVault",
    "s3": "sqlitevault.vault.s3.vault:open_s3_vault",
}


def open_vault(location: str) -> Vault:
    """Return the vault at `s3://bucket/prefix/`, in a directory, or of another kind that is registered in `KINDS`.

    Raises:
        ConfigError: the location is not valid, or AWS_ENDPOINT_URL is not a URL.
        VaultUnavailable: the environment names a profile or a region that does not exist.
    """
    scheme = _SCHEME.match(location)
    opener = KINDS.get(scheme[1] if scheme else "")
    if opener is None or not location.strip():
        raise ConfigError(f"{location!r} is not a vault", hint="Give s3://bucket/prefix/ or a directory.")
    open_kind: Callable[[str], Vault] = resolve_name(opener)
    return open_kind(location)


def split_backup_location(text: str) -> tuple[str, str]:
    """Return vault and object name of an archive: `s3://b/p/x.tar.gz` is `x.tar.gz` in `s3://b/p/`.

    Raises:
        ConfigError: it has no object name.
    """
    folder, slash, name = text.rpartition("/")
    if not name or folder.endswith(":/"):
        raise ConfigError(f"{text!r} is not an archive", hint="End it with the archive's name, or with latest.tar.gz.")
    return (folder + slash if slash else "."), name
