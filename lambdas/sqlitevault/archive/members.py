"""The members of an archive: their names, order and checksums.

`checksums.sha256` has the format of `sha256sum`, so `sha256sum -c` checks an unpacked archive anywhere. GNU coreutils
manual, section "cksum output modes": 64 hexadecimal digits, a space, a space (text) or asterisk (binary), the name. A
name with a backslash or newline would be escaped; such names never get into an archive.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from sqlitevault.archive import limits
from sqlitevault.archive.refusals import shown, unsafe
from sqlitevault.catalog.manifest import File
from sqlitevault.ground.errors import ChecksumMismatch
from sqlitevault.ground.facts import CONFIG_PREFIX

MANIFEST = "MANIFEST.json"
CHECKSUMS = "checksums.sha256"
STATISTICS = "db_stats.txt"
_RANKS = {".csv": 1, ".db": 2, ".sql": 3}

# Unicode categories that hide or disguise a name: controls, formats (bidirectional overrides), surrogates, separators.
_HIDING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_CHECKSUM_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64}) [ *](?:\./)?(?P<path>.+)")


@dataclass(frozen=True, slots=True)
class Member:
    """A file to pack. `path` is relative to the archive's top folder, with forward slashes."""

    path: str
    source: Path


def describe(members: Iterable[Member]) -> tuple[File, ...]:
    """Return size and SHA-256 of each member, in the archive's order. Each file is read once.

    Raises:
        ArchiveUnsafe: a path could not be unpacked again.
        OSError: a file cannot be read.
    """
    return tuple(_describe(member) for member in in_order(members))


def _describe(member: Member) -> File:
    require_safe_path(member.path)
    with member.source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return File(path=member.path, bytes=file.tell(), sha256=digest)


_Member = TypeVar("_Member", Member, File)


def in_order(members: Iterable[_Member]) -> list[_Member]:
    """Return the members in the order of format 1: small facts first, then the database, its dump, and the rest."""
    return sorted(members, key=lambda member: (_rank(member.path), member.path))


def _rank(path: str) -> int:
    if path == STATISTICS:
        return 0
    if path.startswith(CONFIG_PREFIX):
        return 4
    return 5 if "/" in path else _RANKS.get(PurePosixPath(path).suffix, 5)


def require_safe_path(path: str) -> None:
    """Accept only a plain relative path that stays in its folder and does not look like another name.

    Raises:
        ArchiveUnsafe: the message names the fault.
    """
    parts = path.split("/")
    faults = {
        "is an absolute path": path.startswith("/"),
        "leads out of its folder": ".." in parts,
        "has an empty part or a dot for a part": "" in parts or "." in parts,
        "has a backslash": "\\" in path,
        "has control or invisible characters, or is not UTF-8": any(
            unicodedata.category(character) in _HIDING for character in path
        ),
        "is too long": _bytes(path) > limits.PATH_BYTES or max(map(_bytes, parts)) > limits.NAME_BYTES,
    }
    fault = next((fault for fault, found in faults.items() if found), None)
    if fault:
        raise unsafe(f"the archive names a member {shown(path)}, which {fault}")


def _bytes(name: str) -> int:
    return len(name.encode("utf-8", "surrogateescape"))


def described(path: str, content: bytes) -> File:
    """Return the entry of a small member with this content."""
    return File(path=path, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def render_checksums(files: Iterable[File]) -> bytes:
    """Return the content of `checksums.sha256` for these files."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in files).encode()


def parse_checksums(content: bytes) -> dict[str, str]:
    """Return the recorded SHA-256 of each path; a leading `./`, as `find` writes it, is dropped.

    Raises:
        ChecksumMismatch: a line has another form, or a path occurs twice.
    """
    recorded: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        match = _CHECKSUM_LINE.fullmatch(line)
        if match is None or match["path"] in recorded:
            raise ChecksumMismatch(
                f"checksums.sha256 has a line that cannot be used: {shown(line)}",
                hint="Take another backup: without its checksums nothing in this one can be proven.",
            )
        recorded[match["path"]] = match["sha256"]
    return recorded
