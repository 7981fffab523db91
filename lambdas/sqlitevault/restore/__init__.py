"""Restore in three moves, each useful alone.

`plan` changes nothing, `stage` restores beside the target and proves, `promote` swaps in and keeps the previous state.
"""

from sqlitevault.restore.occupants import in_use
from sqlitevault.restore.plan import PATIENCE_SECONDS, RestorePlan, plan
from sqlitevault.restore.promote import PromoteReport, promote
from sqlitevault.restore.stage import StageReport, newest_staged, stage
from sqlitevault.restore.table import (
    MergeReport,
    SideReport,
    make_side_database,
    merge,
    merge_staged,
    newest_side_database,
    require_mergeable,
)
from sqlitevault.restore.table_plan import Origin, TablesPlan, origin, plan_tables
from sqlitevault.restore.target import Target
from sqlitevault.restore.undo import UndoReport, newest_kept, undo

__all__ = [
    "PATIENCE_SECONDS",
    "MergeReport",
    "Origin",
    "PromoteReport",
    "RestorePlan",
    "SideReport",
    "StageReport",
    "TablesPlan",
    "Target",
    "UndoReport",
    "in_use",
    "make_side_database",
    "merge",
    "merge_staged",
    "newest_kept",
    "newest_side_database",
    "newest_staged",
    "origin",
    "plan",
    "plan_tables",
    "promote",
    "require_mergeable",
    "stage",
    "undo",
]
