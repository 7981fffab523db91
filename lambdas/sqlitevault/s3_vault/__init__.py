"""A vault in an S3 bucket."""

from sqlitevault.s3_vault.vault import S3Vault

__all__ = ["S3Vault"]
