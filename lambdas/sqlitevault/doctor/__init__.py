"""A self-test of a source on this host: whether its snapshots can be trusted, fit, and block no writer.

Opens the source read-only, writes nothing beside it, and holds no lock for which SQLite would wait.
"""
