"""SQL dumps: a database as SQL text without loss, and back."""
