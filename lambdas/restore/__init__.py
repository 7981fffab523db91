"""The restore function."""
