"""The monitor function."""
