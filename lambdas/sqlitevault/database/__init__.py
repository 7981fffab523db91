"""One SQLite database as a private copy: its header, checks, schema and content."""
