"""Proof that a backup restores: checks, drills, own checks."""
