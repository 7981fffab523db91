"""The backup function."""
