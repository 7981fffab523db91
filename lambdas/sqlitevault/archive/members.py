"""The members of an archive: their names, their order, their checksums."""

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from sqlitevault.archive import limits
from sqlitevault.archive.refusals import shown, unsafe
from sqlitevault.catalog.manifest import File

MANIFEST = "MANIFEST.json"
CHECKSUMS = "checksums.sha256"
STATISTICS = "db_stats.txt"
KEY_METADATA = "api_keys_metadata.csv"
CONFIG_PREFIX = "config/"

# Unicode categories that hide or disguise a name: controls, formats (bidirectional overrides), surrogates, separators.
_HIDING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


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


class _HasPath(Protocol):
    @property
    def path(self) -> str: ...


_Member = TypeVar("_Member", bound=_HasPath)


def in_order(members: Iterable[_Member]) -> list[_Member]:
    """Return the members as format 1 orders them: small facts first, then the database, its dump, the rest."""
    return sorted(members, key=lambda member: (_rank(member.path), member.path))


def _rank(path: str) -> int:
    if path in (STATISTICS, KEY_METADATA):
        return (STATISTICS, KEY_METADATA).index(path)
    if "/" not in path and path.endswith((".db", ".sql")):
        return 2 if path.endswith(".db") else 3
    return 4 if path.startswith(CONFIG_PREFIX) else 5


def _describe(member: Member) -> File:
    require_safe_path(member.path)
    with member.source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return File(path=member.path, bytes=file.tell(), sha256=digest)


def require_safe_path(path: str) -> None:
    """Accept only a plain relative path: no way out of a folder, nothing that looks like another name.

    Raises:
        ArchiveUnsafe: naming what is wrong.
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
