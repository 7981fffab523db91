"""`checksums.sha256`: the format of `sha256sum`, so that `sha256sum -c` checks an unpacked archive anywhere.

GNU coreutils manual, section "cksum output modes": 64 hexadecimal digits, a space, a space (text) or asterisk
(binary), the name. A name with a backslash or newline would be escaped; such names never get into an archive.
"""

import re
from collections.abc import Iterable

from sqlitevault.archive.refusals import shown
from sqlitevault.catalog.manifest import File
from sqlitevault.ground.errors import ChecksumMismatch

_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64}) [ *](?:\./)?(?P<path>.+)")


def render(files: Iterable[File]) -> bytes:
    """Return the content of `checksums.sha256` for these files."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in files).encode()


def parse(content: bytes) -> dict[str, str]:
    """Return the recorded SHA-256 of each path; a leading `./`, as `find` writes it, is dropped.

    Raises:
        ChecksumMismatch: a line has another form, or a path comes twice.
    """
    recorded: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None or match["path"] in recorded:
            raise ChecksumMismatch(
                f"checksums.sha256 has a line that cannot be used: {shown(line)}",
                hint="Take another backup: without its checksums nothing in this one can be proven.",
            )
        recorded[match["path"]] = match["sha256"]
    return recorded
