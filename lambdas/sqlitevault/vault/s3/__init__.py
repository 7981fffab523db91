"""A vault in an S3 bucket."""

from sqlitevault.vault.s3.vault import S3Vault

__all__ = ["S3Vault"]
