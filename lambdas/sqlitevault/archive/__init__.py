"""The archive, format 1: packing it, and unpacking it safely wherever it comes from."""

from sqlitevault.archive.members import Member, describe
from sqlitevault.archive.salvage import Readable, unpack_readable
from sqlitevault.archive.unpacking import Unpacked, everything, read_manifest, unpack
from sqlitevault.archive.writing import write_archive

__all__ = [
    "Member",
    "Readable",
    "Unpacked",
    "describe",
    "everything",
    "read_manifest",
    "unpack",
    "unpack_readable",
    "write_archive",
]
