"""Restore in three moves: `plan` changes nothing, `stage` restores beside the target and proves, `promote` swaps in."""
