"""The rows of one table in two databases: told apart, and brought back from a restored copy into a live database."""

from sqlitevault.database.merge.comparing import (
    RowDifference,
    RowsApart,
    TableDifference,
    compare_table,
    differing_rows,
    rows_apart,
)
from sqlitevault.database.merge.merging import TableMerge, merge_table, merge_tables

__all__ = [
    "RowDifference",
    "RowsApart",
    "TableDifference",
    "TableMerge",
    "compare_table",
    "differing_rows",
    "merge_table",
    "merge_tables",
    "rows_apart",
]
