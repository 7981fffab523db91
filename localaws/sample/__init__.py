"""A sample DevOps Hub database with the application's real schema, and a process that keeps changing one."""

from localaws.sample.database import make_sample_database
from localaws.sample.ledger import Activity, LedgerWriter, require_ledger

__all__ = ["Activity", "LedgerWriter", "make_sample_database", "require_ledger"]
