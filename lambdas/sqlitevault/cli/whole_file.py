"""Files that others read while we write: whole or not at all."""

import os
import secrets
from pathlib import Path

from sqlitevault.ground import files
from sqlitevault.ground.errors import TargetUnwritable

_FOR_EVERYBODY = 0o644


def write_whole(target: Path, text: str) -> None:
    """Write beside the target and rename; everybody may read it.

    Raises:
        TargetUnwritable: the folder is missing, full, or not this user's; what was there stays as it was.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with files.whole_file(target, temporary=temporary) as out:
            out.write(text.encode())
            os.fchmod(out.fileno(), _FOR_EVERYBODY)
    except OSError as error:
        raise TargetUnwritable(
            f"{target} cannot be written: {error.strerror}", hint="Make its folder, and let this user write there."
        ) from error
