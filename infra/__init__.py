"""The stacks of the primary region and the recovery region, and their constructs."""
