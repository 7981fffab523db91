"""A self-test of a source on this host: whether a snapshot of it can be trusted, fits, and harms nobody.

Opens the source read-only, writes nothing beside it, and holds no lock that SQLite would wait for.
"""
