"""Backup archives of format 1: written, and unpacked safely from any origin."""
