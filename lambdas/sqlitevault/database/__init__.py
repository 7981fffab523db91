"""One SQLite database as a private copy: its header, what SQLite says of it, its content."""

from sqlitevault.database.checks import CheckReport, check
from sqlitevault.database.connection import open_copy
from sqlitevault.database.content import read_tables, schema_digest
from sqlitevault.database.header import Header, parse_header, read_header
from sqlitevault.database.salvage import copy_readable
from sqlitevault.database.summaries import key_metadata, statistics

__all__ = [
    "CheckReport",
    "Header",
    "check",
    "copy_readable",
    "key_metadata",
    "open_copy",
    "parse_header",
    "read_header",
    "read_tables",
    "schema_digest",
    "statistics",
]
