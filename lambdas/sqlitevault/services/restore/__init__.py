"""Restore in three moves, each useful alone.

`plan` changes nothing, `stage` restores beside the target and proves, `promote` swaps in and keeps the previous state.
"""

from sqlitevault.services.restore.plan import RestorePlan, plan
from sqlitevault.services.restore.promote import PromoteReport, promote
from sqlitevault.services.restore.stage import StageReport, newest_staged, stage
from sqlitevault.services.restore.target import Target
from sqlitevault.services.restore.undo import UndoReport, undo

__all__ = [
    "PromoteReport",
    "RestorePlan",
    "StageReport",
    "Target",
    "UndoReport",
    "newest_staged",
    "plan",
    "promote",
    "stage",
    "undo",
]
