"""One SQLite database as a private copy: its header, what SQLite says of it, its content."""
