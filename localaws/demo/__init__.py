"""The demo of backup and restore, end to end on the embedded AWS: `make demo`."""
