"""Taking, ingesting and expiring backups."""
