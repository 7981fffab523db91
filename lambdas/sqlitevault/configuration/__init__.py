"""The configuration beside the database: collected without secrets, and put back where it came from."""
