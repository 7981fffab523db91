"""Where backups live: the protocol, a directory, an S3 bucket."""
