"""A vault in S3."""
