"""Vaults: stores of named objects, in a directory, in S3, or of a kind registered in `opening`."""
