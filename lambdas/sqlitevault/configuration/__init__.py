"""Configuration files beside the database: collected without secrets, and put back in their places."""
