"""A database as SQL text that loses nothing, and back."""
