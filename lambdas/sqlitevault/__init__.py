"""Consistent backup and proven restore of a SQLite database.

The functions and the command line share this package. It depends on neither of them, nor on how they are deployed.
"""

__version__ = "1.1.0"
