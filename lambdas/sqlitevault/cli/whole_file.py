"""Files that others read while we write: whole or not at all."""

import secrets
from pathlib import Path

from sqlitevault.ground.errors import TargetUnwritable

_FOR_EVERYBODY = 0o644


def write_whole(target: Path, text: str) -> None:
    """Write beside the target and rename; everybody may read it.

    Raises:
        TargetUnwritable: the folder is missing, full, or not this user's; what was there stays as it was.
    """
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.chmod(_FOR_EVERYBODY)
        unfinished.replace(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise TargetUnwritable(
            f"{target} cannot be written: {error.strerror}", hint="Make its folder, and let this user write there."
        ) from error
