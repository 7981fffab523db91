"""Consistent backup and proven restore of a SQLite database.

The core used by the functions and by the command line alike. It knows nothing of the functions that call it and
nothing of how they are deployed; only `s3_vault` knows AWS, only `telemetry` knows metrics.
"""

__version__ = "1.1.0"
