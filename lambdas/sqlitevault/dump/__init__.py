"""A database as SQL text that loses nothing, and back."""

from sqlitevault.dump.load import load_dump, load_readable
from sqlitevault.dump.write import write_dump

__all__ = ["load_dump", "load_readable", "write_dump"]
