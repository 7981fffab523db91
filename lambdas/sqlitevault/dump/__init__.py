"""A database as SQL text that loses nothing, and back."""

from sqlitevault.dump.load import load_dump
from sqlitevault.dump.write import write_dump

__all__ = ["load_dump", "write_dump"]
