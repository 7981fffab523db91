"""The stacks: primary region and recovery region, composed of constructs that are named for what they do."""
