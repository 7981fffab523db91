"""The configuration beside the database: collected without secrets, and put back where it came from."""

from sqlitevault.configuration.collecting import Collected, ConfigMember, Omission, collect
from sqlitevault.configuration.naming import REDACTED
from sqlitevault.configuration.places import original_path
from sqlitevault.configuration.variables import missing_variables

__all__ = [
    "REDACTED",
    "Collected",
    "ConfigMember",
    "Omission",
    "collect",
    "is_redacted",
    "missing_variables",
    "original_path",
]


def is_redacted(content: bytes) -> bool:
    """Tell whether secrets were taken out of this file, so that it must not replace one that has them."""
    return REDACTED.encode() in content
