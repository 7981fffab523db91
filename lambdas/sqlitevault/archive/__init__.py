"""The archive, format 1: packing it, and unpacking it safely wherever it comes from."""

from sqlitevault.archive.members import Member, describe
from sqlitevault.archive.unpacking import Unpacked, everything, read_manifest, unpack
from sqlitevault.archive.writing import write_archive

__all__ = ["Member", "Unpacked", "describe", "everything", "read_manifest", "unpack", "write_archive"]
