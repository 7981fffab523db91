"""What everything stands on: errors, settings, scratch space, progress."""
